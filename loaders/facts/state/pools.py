"""Pools of the families in which each pool is a contract that a factory created."""

from __future__ import annotations

from loaders.facts.catalog import Catalog, Pool
from loaders.facts.reads import contracts
from loaders.session import Session


def known_pools(session: Session, catalog: Catalog, family: str) -> list[Pool]:
    """Pools that a registered factory created as far as loaded, and completed pools that are proven."""
    factories = [f.address for f in contracts(session, "factory") if f.family == family]
    created = catalog.created_pools(family, factories)
    known = {p.address for p in created}
    return created + [p for p in catalog.proven_pools(family) if p.address not in known]

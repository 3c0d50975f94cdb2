"""What a load leaves open: pools without creation event, metadata of tokens and feeds, revisions of lending pools."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from loaders.facts.calls import ContractCall, Progress, call
from loaders.facts.catalog import POOL_FAMILIES, Catalog
from loaders.facts.pools import complete_pools, completions_table
from loaders.facts.reads import BlockReads, contracts, metadata_reader
from loaders.registry.seeds import Contract, Feed
from loaders.session import Session

_TOKEN_FUNCTIONS = ("decimals", "symbol", "name")


@dataclass(frozen=True, slots=True)
class Completeness:
    """What :func:`complete` read."""

    block_number: int
    reads: int
    pools_proven: int
    pools_unproven: int


def complete(session: Session, *, progress: Progress | None = None) -> Completeness:
    """Read what the loaded events refer to but do not say, and write it as one package.

    Call it when the events are in the warehouse: all that is loaded is searched, so that a load whose completion was
    interrupted is completed by the next. What was read successfully before is not asked again, except revisions of
    lending pools, which change.
    """
    catalog = Catalog(session)
    reader = metadata_reader(session, max((last for _, last in catalog.loaded().values()), default=None))
    makers = contracts(session, "factory") + contracts(session, "pool_deployer")
    pools = complete_pools(reader, catalog, session.families, makers, progress)
    tokens = _tokens(session, catalog)
    tokens |= {t for c in pools.completions for t in (c.token0, c.token1) if t}
    fixed = [call(token, function) for token in sorted(tokens) for function in _TOKEN_FUNCTIONS]
    fixed += [call(feed.address, "decimals") for feed in _feeds(session)]
    answers = pools.answers + reader.read(_unread(catalog, fixed) + _revisions(session, reader.block.number), progress)
    reader.confirm()
    chain_id = session.chain.chain_id
    completions = completions_table(chain_id, reader.block, pools.completions)
    session.write([*BlockReads(chain_id, reader.block, tuple(answers)).rows, ("pool_completions", completions)])
    proven = sum(c.proof != "none" for c in pools.completions)
    return Completeness(reader.block.number, len(answers), proven, len(pools.completions) - proven)


def _tokens(session: Session, catalog: Catalog) -> set[str]:
    """Tokens of the registry, of pools that registered factories created, of completed pools and of Aave's reserves."""
    tokens = {t.address for t in session.registry.tokens_of(session.chain)}
    factories = contracts(session, "factory")
    for family in POOL_FAMILIES.keys() & {f.family for f in factories}:
        tokens |= catalog.pool_tokens(family, [f.address for f in factories if f.family == family])
    tokens |= {t for c in catalog.completions().values() for t in (c.token0, c.token1) if t}
    return tokens | catalog.reserve_assets([c.address for c in _lending(session, "configurator")])


def _unread(catalog: Catalog, calls: Iterable[ContractCall]) -> list[ContractCall]:
    """The calls that no earlier load made successfully."""
    calls = list(calls)
    known = catalog.read_before(sorted({c.function.name for c in calls}))
    return [c for c in calls if c.key not in known]


def _revisions(session: Session, block_number: int) -> list[ContractCall]:
    """Upgrades of lending pools change how they reckon: asked every time."""
    return [call(p.address, "POOL_REVISION") for p in _lending(session, "pool") if p.start_block <= block_number]


def _feeds(session: Session) -> tuple[Feed, ...]:
    return session.registry.feeds_of(session.chain) if "chainlink" in session.families else ()


def _lending(session: Session, role: str) -> list[Contract]:
    return [c for c in contracts(session, role) if c.family == "aave_v3"]

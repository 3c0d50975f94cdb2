"""State of Balancer V2 vaults."""

from __future__ import annotations

from loaders.facts.calls import Answer, call
from loaders.facts.catalog import Catalog, literals
from loaders.facts.reads import contracts
from loaders.facts.state.family import StateReader
from loaders.session import Session

_FAMILY = "balancer_v2"


class BalancerV2State:
    """Tokens and balances of every pool whose registration is loaded."""

    def __init__(self, session: Session, catalog: Catalog) -> None:
        vaults = literals(c.address for c in contracts(session, "vault") if c.family == _FAMILY)
        registered = f"{catalog.complete('balancer_v2__vault_pool_registered')} and contract_address in ({vaults})"
        self._pools = (
            catalog.query(
                f"select contract_address, pool_id, min(block_number) from {registered} group by 1, 2 order by 3, 1, 2"
            )
            if vaults
            else []
        )

    def read(self, reader: StateReader) -> list[Answer]:
        pools = [(vault, pool) for vault, pool, registered in self._pools if registered <= reader.block_number]
        return reader.read([call(vault, "getPoolTokens", bytes.fromhex(pool[2:])) for vault, pool in pools])

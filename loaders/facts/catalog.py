"""What the raw tables of a chain already know: pools, tokens, accounts, and what was read before.

Only rows of complete loads are looked at. A row that a later tail superseded may be among them: to read one contract
too many does no harm, and staging decides what counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from loaders.session import Session

POOL_FAMILIES = {
    "uniswap_v2": ("uniswap_v2__factory_pair_created", "pair"),
    "uniswap_v3": ("uniswap_v3__factory_pool_created", "pool"),
}
"""Per family of pools: the table of its creation events and the column that holds the pool."""


@dataclass(frozen=True, slots=True)
class Pool:
    address: str
    known_from: int
    """The block that created it; for a pool whose creation was not loaded, the block of its first loaded event."""
    tokens: tuple[str, ...] = ()
    """Its tokens, lower-case 0x hex, where they are known."""


@dataclass(frozen=True, slots=True)
class Completion:
    """The newest row of ``pool_completions`` of a pool."""

    pool: str
    family: str
    token0: str | None
    token1: str | None
    fee: int | None
    tick_spacing: int | None
    factory: str | None
    proof: str


class Catalog:
    """Queries over the raw tables of the session's chain."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def loaded(self) -> dict[str, tuple[int, int]]:
        """First and last loaded block of each of the session's families of which anything is loaded."""
        rows = self.query(
            f"select family, min(from_block), max(to_block) from {self.complete('load_ranges')} group by family"
        )
        return {str(f): (int(first), int(last)) for f, first, last in rows if f in self._session.families}

    def created_pools(self, family: str, factories: Iterable[str]) -> list[Pool]:
        """Pools whose creation by one of the factories is loaded."""
        addresses = literals(factories)
        if not addresses:
            return []
        table, column = POOL_FAMILIES[family]
        rows = self.query(
            f"select {column}, min(block_number), min(token0), min(token1) from {self.complete(table)} "
            f"and contract_address in ({addresses}) group by 1 order by 2, 1"
        )
        return [Pool(str(pool), int(block), tuple(map(str, tokens))) for pool, block, *tokens in rows]

    def uncreated_pools(self, family: str, factories: Iterable[str]) -> list[str]:
        """Contracts that emitted pool events of the family without a loaded creation by one of the factories."""
        table, column = POOL_FAMILIES[family]
        addresses = literals(factories)
        created = f" and contract_address not in (select {column} from {self.complete(table)}"
        created += f" and contract_address in ({addresses}))"
        parts = [
            f"select distinct contract_address from {self.complete(events)}{created if addresses else ''}"
            for events in self._pool_event_tables(family)
        ]
        rows = self.query(" union distinct ".join(parts) + " order by 1")
        return [str(pool) for (pool,) in rows]

    def proven_pools(self, family: str) -> list[Pool]:
        """Completed pools of the family with a proof that they belong to it."""
        completed = f"select contract_address from {self.complete('pool_completions')} "
        completed += f"and family = '{family}' and proof != 'none'"
        parts = [
            f"select contract_address, min(block_number) as block_number from {self.complete(events)} "
            f"and contract_address in ({completed}) group by 1"
            for events in self._pool_event_tables(family)
        ]
        rows = self.query(
            f"select contract_address, min(block_number) from ({' union all '.join(parts)}) as firsts "
            "group by 1 order by 2, 1"
        )
        described = self.completions()
        return [
            Pool(str(pool), int(block), tuple(t for t in (described[pool].token0, described[pool].token1) if t))
            for pool, block in rows
        ]

    def completions(self) -> dict[str, Completion]:
        """Newest completion per pool."""
        rows = self.query(
            "select contract_address, family, token0, token1, fee, tick_spacing, factory_address, proof "
            f"from {self.complete('pool_completions')} order by _dlt_load_id"
        )
        return {str(row[0]): Completion(*row) for row in rows}

    def pool_tokens(self, family: str, factories: Iterable[str]) -> set[str]:
        """Tokens of the pools that the factories created."""
        addresses = literals(factories)
        if not addresses:
            return set()
        table, _ = POOL_FAMILIES[family]
        rows = self.query(
            f"select distinct token0, token1 from {self.complete(table)} and contract_address in ({addresses})"
        )
        return {str(token) for row in rows for token in row}

    def reserve_assets(self, configurators: Iterable[str]) -> set[str]:
        """Assets that were ever listed in an Aave market."""
        addresses = literals(configurators)
        if not addresses:
            return set()
        rows = self.query(
            f"select distinct asset from {self.complete('aave_v3__configurator_reserve_initialized')} "
            f"and contract_address in ({addresses})"
        )
        return {str(asset) for (asset,) in rows}

    def holders(self, tokens: Iterable[str], up_to_block: int) -> list[tuple[str, str]]:
        """(token, account) of every account that an event of a scaled token names as its holder up to the block."""
        addresses = literals(tokens)
        if not addresses:
            return []
        named = (
            ("aave_v3__token_mint", "on_behalf_of"),
            ("aave_v3__token_burn", "from_address"),
            ("aave_v3__token_balance_transfer", "from_address"),
            ("aave_v3__token_balance_transfer", "to_address"),
        )
        parts = [
            f"select distinct contract_address, {column} as account from {self.complete(table)} "
            f"and block_number <= {int(up_to_block)} and contract_address in ({addresses})"
            for table, column in named
        ]
        rows = self.query(" union distinct ".join(parts) + " order by 1, 2")
        return [(str(token), str(account)) for token, account in rows]

    def read_before(self, functions: Sequence[str]) -> dict[tuple[str, str, str], str]:
        """Values read successfully in blocks that are still the chain's, newest per (contract, function, arguments)."""
        if not functions:
            return {}
        rows = self.query(
            "select contract_address, function, arguments, value, block_number, block_hash "
            f"from {self.complete('contract_reads')} "
            f"and status = 'ok' and function in ({literals(functions)}) order by block_number, _dlt_load_id"
        )
        headers = self.query(
            f"select block_number, block_hash from {self.complete('blocks')} "
            f"and block_number in (select block_number from {self.complete('contract_reads')}) order by _dlt_load_id"
        )
        newest: dict[Any, Any] = dict(headers)
        replaced = self._session.replaced_hashes
        return {
            (str(c), str(f), str(a)): str(v)
            for c, f, a, v, number, block_hash in rows
            if block_hash not in replaced and newest.get(number, block_hash) == block_hash
        }

    def _pool_event_tables(self, family: str) -> list[str]:
        events = self._session.registry.events.events
        return [e.table for e in events if e.family == family and e.role != "factory"]

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query over raw tables, written as in :meth:`complete`; empty when a table does not exist yet."""
        return [tuple(row.values()) for row in self._session.query(sql)]

    def complete(self, table: str) -> str:
        """A raw table's rows of this chain and of complete loads: the FROM clause and the head of its WHERE."""
        return (
            f"{{{table}}} where chain_id = {self._session.chain.chain_id} "
            "and _dlt_load_id in (select load_id from {_dlt_loads} where status = 0)"
        )


def literals(values: Iterable[str]) -> str:
    """The values for an SQL list, each once; empty when there are none."""
    return ", ".join(f"'{v}'" for v in sorted(set(values)))

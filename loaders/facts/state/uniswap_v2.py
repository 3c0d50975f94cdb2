"""State of Uniswap V2 pairs and their forks'."""

from __future__ import annotations

from loaders.facts.calls import Answer, call
from loaders.facts.catalog import Catalog, literals
from loaders.facts.state.family import StateReader
from loaders.facts.state.pools import known_pools
from loaders.session import Session

_FUNCTIONS = ("getReserves", "totalSupply", "factory", "token0", "token1")


class UniswapV2State:
    """Reserves, shares and constants of every pair: their supply, and where transfers are loaded what each holder has of them."""

    def __init__(self, session: Session, catalog: Catalog) -> None:
        self._pairs = known_pools(session, catalog, "uniswap_v2")
        self._holders = _holders(catalog, [pair.address for pair in self._pairs])

    def read(self, reader: StateReader) -> list[Answer]:
        pairs = {p.address for p in self._pairs if p.known_from <= reader.block_number}
        calls = [call(pair, function) for pair in sorted(pairs) for function in _FUNCTIONS]
        calls += [
            call(pair, "balanceOf", account)
            for pair, account, known_from in self._holders
            if pair in pairs and known_from <= reader.block_number
        ]
        return reader.read(calls)


def _holders(catalog: Catalog, pairs: list[str]) -> list[tuple[str, str, int]]:
    """(pair, account, first block) of every account that a loaded transfer of a pair's shares names."""
    if not pairs:
        return []
    parts = [
        f"select contract_address, {column} as account, block_number from {catalog.complete('erc20__token_transfer')} "
        f"and contract_address in ({literals(pairs)})"
        for column in ("from_address", "to_address")
    ]
    rows = catalog.query(
        f"select contract_address, account, min(block_number) from ({' union all '.join(parts)}) as named "
        "group by 1, 2 order by 1, 2"
    )
    return [(str(pair), str(account), int(block)) for pair, account, block in rows]

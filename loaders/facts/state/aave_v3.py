"""State of Aave V3 markets."""

from __future__ import annotations

from loaders.facts.calls import Answer, call
from loaders.facts.catalog import Catalog
from loaders.facts.reads import contracts
from loaders.facts.state.family import StateReader
from loaders.registry.seeds import Contract
from loaders.session import Session

_FAMILY = "aave_v3"
_PER_ASSET = ("getReserveNormalizedIncome", "getReserveNormalizedVariableDebt")
_PER_ACCOUNT = ("getUserAccountData", "getUserEMode", "getUserConfiguration")
# Positions in the struct that getReserveData returns.
_ATOKEN, _VARIABLE_DEBT_TOKEN = 8, 10


class AaveV3State:
    """Reserves, prices and accounts of every market."""

    def __init__(self, session: Session, catalog: Catalog) -> None:
        self._catalog = catalog
        self._pools = [c for c in contracts(session, "pool") if c.family == _FAMILY]
        self._oracles = [c for c in contracts(session, "oracle") if c.family == _FAMILY]

    def read(self, reader: StateReader) -> list[Answer]:
        pools = [p for p in self._pools if p.start_block <= reader.block_number]
        return [answer for pool in pools for answer in self._market(pool, reader)]

    def _market(self, pool: Contract, reader: StateReader) -> list[Answer]:
        oracles = [o for o in self._oracles if o.market == pool.market and o.start_block <= reader.block_number]
        # The pool itself says what is listed at the block: no event is needed, and nothing that is not there is asked.
        listed = reader.read([call(pool.address, "getReservesList")])
        assets = [asset for a in listed for values in a.values for asset in values]
        reserves = reader.read([call(pool.address, "getReserveData", asset) for asset in assets])
        tokens = [data[i] for a in reserves for data in a.values for i in (_ATOKEN, _VARIABLE_DEBT_TOKEN)]
        holders = self._catalog.holders(tokens, reader.block_number)
        calls = [call(pool.address, function, asset) for asset in assets for function in _PER_ASSET]
        calls += [call(oracle.address, "BASE_CURRENCY_UNIT") for oracle in oracles]
        calls += [call(oracle.address, "getAssetPrice", asset) for oracle in oracles for asset in assets]
        calls += [call(token, "scaledTotalSupply") for token in tokens]
        accounts = sorted({account for _, account in holders})
        calls += [call(pool.address, function, account) for account in accounts for function in _PER_ACCOUNT]
        calls += [call(token, "scaledBalanceOf", account) for token, account in holders]
        return listed + reserves + reader.read(calls)

"""Contract state at pinned blocks: what the models' own state is held against."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from loaders.errors import PoolhouseError
from loaders.facts.calls import Answer, BlockReader, ContractCall, call
from loaders.facts.catalog import POOL_FAMILIES, Catalog, Pool
from loaders.facts.reads import contracts, reader_at, reads_table
from loaders.session import Session

Progress = Callable[[int, int, int], None]
"""Called with block number, calls answered and calls known so far of that block."""

HEAD, MIDDLE = "head", "middle"
LENDING = "aave_v3"
FAMILIES = (*POOL_FAMILIES, LENDING)
"""Families with state to read."""

_STATE = {"uniswap_v2": ("getReserves",), "uniswap_v3": ("slot0", "liquidity")}
_PER_ASSET = ("getReserveNormalizedIncome", "getReserveNormalizedVariableDebt")
# Positions in the struct that getReserveData returns.
_ATOKEN, _VARIABLE_DEBT_TOKEN = 8, 10


@dataclass
class Snapshot:
    """What was read: block numbers, and reads by status."""

    blocks: list[int] = field(default_factory=list)
    statuses: dict[str, int] = field(default_factory=dict)

    @property
    def reads(self) -> int:
        return sum(self.statuses.values())


def snapshot(session: Session, blocks: Iterable[str | int] = (HEAD,), *, progress: Progress | None = None) -> Snapshot:
    """Read the state of every known contract of the session's loaded families at each block; write it as one package.

    ``head`` is the last block that the ledger covers, so that reads and models speak of the same block; ``middle`` is
    half-way to it from the first. Raises :class:`PoolhouseError`, before anything is written, for a block that is not
    loaded or whose state the node lacks.
    """
    catalog = Catalog(session)
    loaded = {f: ends for f, ends in catalog.loaded().items() if f in FAMILIES}
    numbers = resolve_blocks(blocks, loaded.values(), session.chain.name)
    readers = [reader_at(session, number) for number in numbers]
    result = Snapshot(numbers)
    session.write(list(_tables(session, catalog, set(loaded), readers, result, progress)))
    return result


def resolve_blocks(blocks: Iterable[str | int], loaded: Collection[tuple[int, int]], chain: str) -> list[int]:
    """Block numbers, ascending, each once; ``loaded`` has the first and last loaded block of each family.

    Raises :class:`PoolhouseError` for what is no block up to which everything is loaded.
    """
    if not loaded:
        raise PoolhouseError(
            f"Nothing is loaded of {chain} for these protocols.", f"Run `poolhouse load --chain {chain}` first."
        )
    first, last = min(a for a, _ in loaded), min(b for _, b in loaded)
    named = {HEAD: last, MIDDLE: (first + last) // 2}
    numbers = set()
    for block in blocks:
        text = str(block).strip().lower()
        if text not in named and not text.isdecimal():
            raise PoolhouseError(
                f"{text!r} is not a block.", "Give block numbers, head or middle, separated by commas."
            )
        numbers.add(named[text] if text in named else int(text))
    outside = [n for n in sorted(numbers) if not first <= n <= last]
    if outside:
        raise PoolhouseError(
            f"Block {outside[0]} of {chain} is not loaded: these protocols are from {first} to {last}.",
            "Load it first, or choose a block in between.",
        )
    return sorted(numbers)


def _tables(
    session: Session,
    catalog: Catalog,
    families: Collection[str],
    readers: Iterable[BlockReader],
    result: Snapshot,
    progress: Progress | None,
) -> Iterator[tuple[str, pa.Table]]:
    pools = {f: _known_pools(session, catalog, f) for f in POOL_FAMILIES if f in families}
    for reader in readers:
        counted = _Counted(reader, progress)
        answers = counted.read(_pool_calls(pools, reader.block.number))
        if LENDING in families:
            answers += _lending_state(session, catalog, counted)
        reader.confirm()
        for answer in answers:
            result.statuses[answer.status] = result.statuses.get(answer.status, 0) + 1
        yield "contract_reads", reads_table(session.chain.chain_id, reader.block, answers)


class _Counted:
    """A reader that reports how far it is."""

    def __init__(self, reader: BlockReader, progress: Progress | None) -> None:
        self.reader = reader
        self.block_number = reader.block.number
        self._progress = progress
        self._done = self._known = 0

    def read(self, calls: Sequence[ContractCall]) -> list[Answer]:
        self._known += len(calls)
        return self.reader.read(calls, self._report)

    def _report(self, count: int) -> None:
        self._done += count
        if self._progress:
            self._progress(self.block_number, self._done, self._known)


def _known_pools(session: Session, catalog: Catalog, family: str) -> list[Pool]:
    """Pools that a registered factory created as far as loaded, and completed pools that are proven."""
    factories = [f.address for f in contracts(session, "factory") if f.family == family]
    created = catalog.created_pools(family, factories)
    known = {p.address for p in created}
    return created + [p for p in catalog.proven_pools(family) if p.address not in known]


def _pool_calls(pools: dict[str, list[Pool]], block_number: int) -> list[ContractCall]:
    return [
        call(pool.address, function)
        for family, members in pools.items()
        for pool in members
        if pool.known_from <= block_number
        for function in _STATE[family]
    ]


def _lending_state(session: Session, catalog: Catalog, reader: _Counted) -> list[Answer]:
    """Reserves, prices and accounts of every Aave market that existed at the block."""
    answers: list[Answer] = []
    for pool in contracts(session, "pool"):
        if pool.family != LENDING or pool.start_block > reader.block_number:
            continue
        oracles = [
            o
            for o in contracts(session, "oracle")
            if (o.family, o.market) == (pool.family, pool.market) and o.start_block <= reader.block_number
        ]
        # The pool itself says what is listed at the block: no event is needed, and nothing that is not there is asked.
        listed = reader.read([call(pool.address, "getReservesList")])
        assets = [asset for a in listed for values in a.values for asset in values]
        reserves = reader.read([call(pool.address, "getReserveData", asset) for asset in assets])
        tokens = [data[i] for a in reserves for data in a.values for i in (_ATOKEN, _VARIABLE_DEBT_TOKEN)]
        holders = catalog.holders(tokens, reader.block_number)
        calls = [call(pool.address, function, asset) for asset in assets for function in _PER_ASSET]
        calls += [call(oracle.address, "getAssetPrice", asset) for oracle in oracles for asset in assets]
        calls += [call(token, "scaledTotalSupply") for token in tokens]
        calls += [call(pool.address, "getUserAccountData", a) for a in sorted({account for _, account in holders})]
        calls += [call(token, "scaledBalanceOf", account) for token, account in holders]
        answers += listed + reserves + reader.read(calls)
    return answers

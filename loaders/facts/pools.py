"""Pools whose creation event lies outside the loaded range: completed by ``eth_call``, admitted only if proven.

Proof is arithmetic where the registry knows a factory's init code hash: the pool's address follows from factory, tokens
and fee (CREATE2). Otherwise the registered factory that the pool names is asked whether it knows the pool under these
tokens. What neither proves stays visible with proof ``none``; a factory registered later may prove it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pyarrow as pa

from loaders.facts.calls import Answer, BlockReader, ContractCall, Progress, call
from loaders.facts.catalog import POOL_FAMILIES, Catalog, Completion
from loaders.facts.create2 import create2_address, pool_salt
from loaders.registry.seeds import Contract
from loaders.registry.tables import POOL_COMPLETIONS
from loaders.rpc.endpoint import Header

_POOL_FUNCTIONS = {
    "uniswap_v2": ("token0", "token1", "factory"),
    "uniswap_v3": ("token0", "token1", "fee", "tickSpacing", "factory"),
}


@dataclass(frozen=True, slots=True)
class Completed:
    """New completions and the calls that led to them."""

    completions: list[Completion]
    answers: list[Answer]


def complete_pools(
    reader: BlockReader,
    catalog: Catalog,
    families: Iterable[str],
    makers: Sequence[Contract],
    progress: Progress | None = None,
) -> Completed:
    """Complete every pool of the families that emitted events without a loaded creation event or completion.

    ``makers`` are the registered factories, and the pool deployers of those that create their pools through one.
    Pools found earlier but not proven are tried again against today's factories, without asking them again.
    """
    families = set(families)
    known = catalog.completions()
    found: dict[str, Completion] = {}
    answers: list[Answer] = []
    for family in [f for f in POOL_FAMILIES if f in families]:
        members = [m for m in makers if m.family == family]
        factories = [m.address for m in members if m.role == "factory"]
        candidates = [p for p in catalog.uncreated_pools(family, factories) if p not in known]
        described, said = describe_pools(reader, family, candidates, progress)
        unproven = [c for c in known.values() if c.family == family and c.proof == "none"]
        proven, asked = prove_pools(reader, members, described + unproven)
        answers += said + asked
        for completion in proven:
            is_new = known.get(completion.pool) != completion
            # An address that emits events of two families belongs to the one that is proven.
            if is_new and (completion.pool not in found or completion.proof != "none"):
                found[completion.pool] = completion
    return Completed([found[pool] for pool in sorted(found)], answers)


def describe_pools(
    reader: BlockReader, family: str, pools: Iterable[str], progress: Progress | None = None
) -> tuple[list[Completion], list[Answer]]:
    """What the pools say of themselves, unproven; NULL for what they do not answer."""
    pools = list(pools)
    functions = _POOL_FUNCTIONS[family]
    answers = reader.read([call(pool, function) for pool in pools for function in functions], progress)
    said = {(a.call.contract, a.call.function.name): a for a in answers}

    def text(pool: str, function: str) -> str | None:
        answer = said.get((pool, function))
        return answer.value if answer else None

    def number(pool: str, function: str) -> int | None:
        value = text(pool, function)
        return None if value is None else int(value)

    completions = [
        Completion(
            pool=pool,
            family=family,
            token0=text(pool, "token0"),
            token1=text(pool, "token1"),
            fee=number(pool, "fee"),
            tick_spacing=number(pool, "tickSpacing"),
            factory=text(pool, "factory"),
            proof="none",
        )
        for pool in pools
    ]
    return completions, answers


def prove_pools(
    reader: BlockReader, makers: Sequence[Contract], pools: Iterable[Completion]
) -> tuple[list[Completion], list[Answer]]:
    """The pools with their proof, and the answers of the factories that had to be asked."""
    results: list[Completion] = []
    open_questions: dict[Completion, ContractCall] = {}
    by_address = {m.address: m for m in makers if m.role == "factory"}
    for pool in pools:
        factory = proving_factory(makers, pool)
        if factory is not None:
            results.append(replace(pool, factory=factory.address, proof="create2"))
            continue
        question = _question(by_address, pool)
        if question is None:
            results.append(pool)
        else:
            open_questions[pool] = question
    answers = reader.read(list(open_questions.values()))
    for pool, answer in zip(open_questions, answers, strict=True):
        results.append(replace(pool, proof="factory") if answer.value == pool.pool else pool)
    return results, answers


def proving_factory(makers: Sequence[Contract], pool: Completion) -> Contract | None:
    """The factory from whose CREATE2, or whose deployer's, the pool's address follows; None when there is none."""
    if pool.token0 is None or pool.token1 is None or (pool.family == "uniswap_v3" and pool.fee is None):
        return None
    salt = pool_salt(pool.family, pool.token0, pool.token1, pool.fee)
    for maker in makers:
        if maker.family != pool.family or not maker.init_code_hash:
            continue
        if create2_address(maker.address, salt, maker.init_code_hash) == pool.pool:
            return _factory_of(maker, makers)
    return None


def _factory_of(maker: Contract, makers: Iterable[Contract]) -> Contract | None:
    """The factory itself, or the one that creates its pools through the deployer."""
    if maker.role == "factory":
        return maker
    exchange = (maker.protocol, maker.version, maker.family)
    return next((m for m in makers if m.role == "factory" and (m.protocol, m.version, m.family) == exchange), None)


def _question(factories: Mapping[str, Contract], pool: Completion) -> ContractCall | None:
    """The call that asks the registered factory named by the pool for a pool of these tokens."""
    factory = factories.get(pool.factory or "")
    if factory is None or pool.token0 is None or pool.token1 is None:
        return None
    if pool.family == "uniswap_v2":
        return call(factory.address, "getPair", pool.token0, pool.token1)
    return None if pool.fee is None else call(factory.address, "getPool", pool.token0, pool.token1, pool.fee)


def completions_table(chain_id: int, block: Header, completions: Sequence[Completion]) -> pa.Table:
    """Rows of ``pool_completions``."""
    timestamp = datetime.fromtimestamp(block.timestamp, UTC)
    count = len(completions)
    columns = {
        "chain_id": [chain_id] * count,
        "block_number": [block.number] * count,
        "block_timestamp": [timestamp] * count,
        "contract_address": [c.pool for c in completions],
        "family": [c.family for c in completions],
        "token0": [c.token0 for c in completions],
        "token1": [c.token1 for c in completions],
        "fee": [c.fee for c in completions],
        "tick_spacing": [c.tick_spacing for c in completions],
        "factory_address": [c.factory for c in completions],
        "proof": [c.proof for c in completions],
    }
    return pa.table(columns, schema=POOL_COMPLETIONS.arrow)

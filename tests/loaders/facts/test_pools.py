"""Pools are completed and proven on recorded mainnet blocks: real pools, real logs, real factories."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from eth_abi.abi import decode

from loaders.facts.calls import BlockReader
from loaders.facts.catalog import Completion
from loaders.facts.complete import complete
from loaders.facts.pools import describe_pools, prove_pools, proving_factory
from loaders.registry.seeds import Contract, Registry, load_registry
from loaders.registry.tables import LOAD_RANGES
from loaders.session import Session
from tests.loaders.facts.conftest import OpenSession

BLOCK = 19426586
FAMILIES = {"2": "uniswap_v2", "3": "uniswap_v3"}
# Published constants of the factories' deployments.
INIT_CODE = {
    "0x5c69bee701ef814a2b6a3edd4b1652cb9cc5aa6f": "96e8ac4277198ff8b6f785478aa9a39f403cb768dd02cbee326c3e7da348845f",
    "0xc0aee478e3658e2610c5f7a4a2e1777ce9e4f2ac": "e18a34eb0e04b04f7a0ac29a6e80748dca96319b42c54d679cb821dca90c6303",
    "0x115934131916c8b277dd010ee02de363c09d037c": "65d1a3b1e46c6e4f1be1ad5f99ef14dc488ae0549dc97db9b30afe2241ce1c7a",
    "0x1097053fd2ea711dad45caccc45eff7548fcb362": "57224589c67f3f30a6b0d7a1b54cf3153ab84563bc609ef41dfb34f8b2974d2d",
    "0x1f98431c8ad98523631ae4a59f267346ea31f984": "e34f199b19b2b4f47f68442619d555527d244f78a3297ea89325f843f87b8b54",
    # PancakeSwap V3 deploys its pools from another contract, so that its factory has to be asked.
    "0x0bfbcf9fa4f9c56b0f40a671ad40e0805a091865": "",
}


def factory(address: str, family: str, chain_id: int = 1) -> Contract:
    return Contract(chain_id, "known", "", family, "factory", "", address, 0, None, "0x" + INIT_CODE[address])


@pytest.fixture(scope="module")
def proven_pools(reference_data: Path) -> list[dict[str, str]]:
    """Rows of `pools.csv` on Ethereum whose factory is known."""
    with (reference_data / "expected" / "pools.csv").open() as file:
        return [r for r in csv.DictReader(file) if r["chain_id"] == "1" and r["factory"]]


def test_every_pool_with_a_known_factory_is_proven(
    mainnet: str, open_session: OpenSession, proven_pools: list[dict[str, str]]
) -> None:
    session = open_session(mainnet, "ethereum")
    reader = BlockReader(session.node, session.pinned)
    proofs: Counter[tuple[str, str]] = Counter()
    for version, family in FAMILIES.items():
        rows = {r["pool"]: r for r in proven_pools if r["version"] == version}
        factories = [factory(a, family) for a in sorted({r["factory"] for r in rows.values()})]
        described, _ = describe_pools(reader, family, rows)
        for completion in prove_pools(reader, factories, described)[0]:
            row = rows[completion.pool]
            assert (completion.token0, completion.token1) == (row["token0"], row["token1"])
            assert completion.factory == row["factory"]
            assert completion.fee == (int(row["fee"]) if version == "3" else None)
            proofs[row["protocol"], completion.proof] += 1
    asked = proofs.pop(("pancakeswap", "factory"))
    assert {proof for _, proof in proofs} == {"create2"}
    assert asked + proofs.total() == len(proven_pools) > 900


def test_a_factory_that_creates_through_a_deployer_need_not_be_asked(
    mainnet: str, open_session: OpenSession, proven_pools: list[dict[str, str]]
) -> None:
    session = open_session(mainnet, "ethereum")
    reader = BlockReader(session.node, session.pinned)
    rows = [r for r in proven_pools if (r["protocol"], r["version"]) == ("pancakeswap", "3")]
    described, _ = describe_pools(reader, "uniswap_v3", [r["pool"] for r in rows])
    makers = [c for c in session.registry.contracts_of(session.chain) if c.family == "uniswap_v3"]
    proven, asked = prove_pools(reader, makers, described)
    assert len(rows) == 2
    assert {(c.proof, c.factory) for c in proven} == {("create2", "0x0bfbcf9fa4f9c56b0f40a671ad40e0805a091865")}
    assert asked == []
    without_factory = [m for m in makers if (m.protocol, m.role) != ("pancakeswap", "factory")]
    assert {c.proof for c in prove_pools(reader, without_factory, described)[0]} == {"none"}


def test_a_pool_of_no_registered_factory_stays_unproven(mainnet: str, open_session: OpenSession) -> None:
    """A real Uniswap pair while only Sushi's factory is registered; and one whose tokens are claimed wrongly."""
    session = open_session(mainnet, "ethereum")
    reader = BlockReader(session.node, session.pinned)
    sushi = factory("0xc0aee478e3658e2610c5f7a4a2e1777ce9e4f2ac", "uniswap_v2")
    described, _ = describe_pools(reader, "uniswap_v2", ["0xb4e16d0168e52d35cacd2c6185b44281ec28c9dc"])
    ((pool,), asked) = prove_pools(reader, [sushi], described)
    assert (pool.proof, asked) == ("none", [])
    uniswap = factory("0x5c69bee701ef814a2b6a3edd4b1652cb9cc5aa6f", "uniswap_v2")
    assert proving_factory([uniswap], pool) == uniswap
    assert pool.token0 is not None
    assert proving_factory([uniswap], replace(pool, token1=pool.token0)) is None


def test_a_contract_that_is_no_pool_is_kept_without_proof(mainnet: str, open_session: OpenSession) -> None:
    session = open_session(mainnet, "ethereum")
    reader = BlockReader(session.node, session.pinned)
    token = "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2"
    described, answers = describe_pools(reader, "uniswap_v3", [token])
    assert described == [Completion(token, "uniswap_v3", None, None, None, None, None, "none")]
    assert {a.status for a in answers} == {"reverted"}
    assert prove_pools(reader, [factory("0x1f98431c8ad98523631ae4a59f267346ea31f984", "uniswap_v3")], described) == (
        described,
        [],
    )


def mainnet_registry() -> Registry:
    """The shipped registry with exactly two factories on Ethereum, so that the test does not move with the seeds."""
    shipped = load_registry()
    factories = (
        factory("0x5c69bee701ef814a2b6a3edd4b1652cb9cc5aa6f", "uniswap_v2"),
        factory("0x1f98431c8ad98523631ae4a59f267346ea31f984", "uniswap_v3"),
    )
    return replace(shipped, contracts=factories, tokens=(), feeds=())


def load_swaps(session: Session) -> dict[str, set[str]]:
    """Write the recorded block's swaps to the raw tables; the emitting contracts per family."""
    block = session.node.call("eth_getBlockByNumber", hex(BLOCK), False)
    timestamp = datetime.fromtimestamp(int(block["timestamp"], 16), UTC)
    tables: list[tuple[str, pa.Table]] = []
    emitters: dict[str, set[str]] = {}
    for spec in session.registry.events.events:
        if spec.event != "Swap":
            continue
        query = {"fromBlock": hex(BLOCK), "toBlock": hex(BLOCK), "topics": [spec.topic0]}
        schema = session.registry.events.tables[spec.table].arrow
        rows: list[dict[str, Any]] = []
        for log in session.node.call("eth_getLogs", query):
            topics = iter(log["topics"][1:])
            data = iter(decode([p.type for p in spec.abi.in_data], bytes.fromhex(log["data"][2:])))
            values = [
                decode([p.type], bytes.fromhex(next(topics)[2:]))[0] if p.indexed else next(data)
                for p in spec.abi.parameters
            ]
            head = [1, BLOCK, int(log["logIndex"], 16), int(log["transactionIndex"], 16), timestamp]
            head += [block["hash"], log["transactionHash"], log["address"]]
            cells = [v if pa.types.is_int64(f.type) else str(v) for f, v in zip(list(schema)[8:], values, strict=True)]
            rows.append(dict(zip(schema.names, head + cells, strict=True)))
            emitters.setdefault(spec.family, set()).add(log["address"])
        tables.append((spec.table, pa.Table.from_pylist(rows, schema)))
        ledger = dict.fromkeys(LOAD_RANGES.arrow.names) | {
            "chain_id": 1,
            "family": spec.family,
            "role": spec.role,
            "event": spec.event,
            "table_name": spec.table,
            "topic0": spec.topic0,
            "contract_address": "*",
            "from_block": BLOCK,
            "to_block": BLOCK,
            "log_count": len(rows),
            "finality": "final",
            "decoder_version": "1",
            "registry_version": session.registry.events.version,
            "source": "rpc",
            "endpoint_host": session.node.host,
            "loaded_at": timestamp,
        }
        tables.append(("load_ranges", pa.Table.from_pylist([ledger], LOAD_RANGES.arrow)))
    session.write(tables)
    return emitters


def test_a_load_is_completed_once(mainnet: str, open_session: OpenSession, proven_pools: list[dict[str, str]]) -> None:
    session = open_session(mainnet, "ethereum", mainnet_registry())
    emitters = load_swaps(session)
    assert {family: len(pools) >= 10 for family, pools in emitters.items()} == {"uniswap_v2": True, "uniswap_v3": True}
    done = complete(session)
    assert done.block_number == BLOCK
    rows = session.query("select contract_address, family, token0, proof, factory_address from {pool_completions}")
    assert {(r["family"], r["contract_address"]) for r in rows} == {
        (family, pool) for family, pools in emitters.items() for pool in pools
    }
    registered = {f.address for f in session.registry.contracts}
    known = {r["pool"]: r["factory"] for r in proven_pools if r["factory"] in registered}
    assert {r["contract_address"]: r["factory_address"] for r in rows if r["proof"] == "create2"} == {
        pool: known[pool] for pools in emitters.values() for pool in pools if pool in known
    }
    assert done.pools_unproven == sum(r["proof"] == "none" for r in rows) > 0

    reads = session.query("select function, status, count(*) as n from {contract_reads} group by all")
    read = {(r["function"], r["status"]): r["n"] for r in reads}
    assert read["token0", "ok"] >= 40
    assert read["decimals", "ok"] == read["symbol", "ok"] >= 30

    again = complete(session)
    assert (again.pools_proven, again.pools_unproven) == (0, 0)
    asked = session.query(
        "select distinct function from {contract_reads} where _dlt_load_id = "
        "(select max(_dlt_load_id) from {contract_reads})"
    )
    assert {r["function"] for r in asked} <= {"decimals", "symbol", "name"}, "only what was not answered is asked again"


def test_a_factory_registered_later_proves_what_was_unknown(mainnet: str, open_session: OpenSession) -> None:
    registry = mainnet_registry()
    sushi = factory("0xc0aee478e3658e2610c5f7a4a2e1777ce9e4f2ac", "uniswap_v2")
    v3 = tuple(f for f in registry.contracts if f.family == "uniswap_v3")
    session = open_session(mainnet, "ethereum", replace(registry, contracts=(sushi, *v3)))
    load_swaps(session)
    first = complete(session)
    session.registry = replace(registry, contracts=(sushi, *registry.contracts))
    second = complete(session)
    assert second.pools_proven >= 10
    assert second.pools_unproven == 0
    newest = session.query(
        "select proof, count(*) as n from (select arg_max(proof, _dlt_load_id) as proof "
        "from {pool_completions} group by contract_address) as newest group by all"
    )
    assert {r["proof"]: r["n"] for r in newest} == {
        "create2": first.pools_proven + second.pools_proven,
        "none": first.pools_unproven - second.pools_proven,
    }

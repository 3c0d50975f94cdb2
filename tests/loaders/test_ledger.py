"""The ledger as commands read it: few ranges, however many packages wrote them, and the blocks that all of those cover."""

from __future__ import annotations

import random
from pathlib import Path

import duckdb

from loaders.load.ledger import read_ledger
from loaders.load.warehouse import open_warehouse
from loaders.registry.seeds import load_registry

_EVENTS = load_registry().events.with_tables_for(["uniswap_v2"])


def test_ranges_that_meet_are_one_and_cover_the_same_blocks(tmp_path: Path) -> None:
    database = tmp_path / "w.duckdb"
    with open_warehouse("duckdb", _EVENTS, database=database, root=tmp_path) as warehouse:
        warehouse.load([])
    rng = random.Random(3)
    # (event, first, last, hash, finality, decoder, load, status): loads of which some did not complete
    written = []
    for load in range(120):
        low = rng.randrange(80)
        high = low + rng.choice((0, 0, 1, 3, 9))
        block_hash = rng.choice((f"h{high}", f"h{high}", None))
        finality = rng.choice(("final", "final", "final", "tail"))
        event = rng.choice(("Sync", "Swap"))
        written.append((event, low, high, block_hash, finality, rng.choice((1, 1, 2)), f"1{load:03d}", load % 4 == 3))
    with duckdb.connect(str(database)) as connection:
        for event, low, high, block_hash, finality, decoder, load_id, failed in written:
            connection.execute(
                "insert into raw.load_ranges (chain_id, family, role, event, contract_address, table_name, topic0, from_block, "
                "to_block, to_block_hash, finality, decoder_version, log_count, namesake_count, registry_version, source, "
                "endpoint_host, loaded_at, _dlt_load_id) "
                "values (1, 'f', 'r', ?, '*', 't', 'x', ?, ?, ?, ?, ?, 0, 0, 'v', 'rpc', 'h', now(), ?)",
                [event, low, high, block_hash, finality, str(decoder), load_id],
            )
            connection.execute(
                "insert into raw._dlt_loads (load_id, schema_name, status, inserted_at) values (?, 'p', ?, now())",
                [load_id, int(failed)],
            )
    with open_warehouse("duckdb", _EVENTS, database=database, root=tmp_path) as warehouse:
        ledger = read_ledger(warehouse, 1)
    complete = [row[:7] for row in written if not row[7]]
    alike: dict[tuple[object, ...], set[int]] = {}
    for event, low, high, block_hash, finality, decoder, _ in complete:
        if finality == "final":
            alike.setdefault((event, decoder, block_hash is None), set()).update(range(low, high + 1))
    runs = sum(n - 1 not in blocks for blocks in alike.values() for n in blocks)
    assert sum(r.finality == "final" for r in ledger.ranges) == runs, "one range where some meet"
    for event in ("Sync", "Swap"):
        own = [r for r in complete if r[0] == event]
        for version in (1, 2):
            wanted = {
                n for _, low, high, _, f, v, _ in own if f == "final" and v >= version for n in range(low, high + 1)
            }
            found = ledger.finals(version)["f", "r", event, "*"]
            assert {n for low, high in found for n in range(low, high + 1)} == wanted
        newest = max(r[6] for r in own if r[4] == "tail")
        tails = [(r.from_block, r.to_block) for r in ledger.ranges if r.finality == "tail" and r.key[2] == event]
        assert tails == [(low, high) for _, low, high, _, _, _, load_id in own if load_id == newest]
    ends = {(r[2], r[3]) for r in complete}
    assert {(r.to_block, r.to_block_hash) for r in ledger.ranges} <= ends, (
        "each range ends in the hash of its last block"
    )

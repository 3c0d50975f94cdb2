"""SQL for BigQuery's public logs: evaluated by Google's reference implementation, its rows are the decoder's to the character.

Temporary functions are not evaluated there: their bodies are put in the place of their calls.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from typer.testing import CliRunner

from loaders.bigquery_public.events import select_rows
from loaders.bigquery_public.run import PublicRequest, plan, run
from loaders.bigquery_public.script import PublicLoad, matching_logs, numbering, script, select_undecoded
from loaders.bigquery_public.words import INT_TEXT, UINT_TEXT, fits, int_text_body, uint_text_body, value
from loaders.cli import app
from loaders.decode.decoder import ANY, Decoder, Wanted
from loaders.decode.words import decode_words
from loaders.decode.words import fits as decoder_fits
from loaders.errors import PoolhouseError
from loaders.load.bigquery import BigQueryTarget
from loaders.logs import RawLogs
from loaders.plan.filters import Filter, LogQuery
from loaders.registry.events import TRANSFERS, EventSpec, load_events
from loaders.registry.schema import LOAD_ID
from loaders.registry.seeds import load_registry
from loaders.source.doubt import of_query
from loaders.source.parse import parse_any_layout
from tests.warehouse.googlesql.analyzer import Analyzer, Columns
from tests.warehouse.googlesql.column_types import canonical_type
from tests.warehouse.googlesql.evaluator import evaluate

BLOCKS: Columns = {
    "timestamp": "TIMESTAMP",
    "number": "INT64",
    "hash": "STRING",
    "parent_hash": "STRING",
    "logs_bloom": "STRING",
}
LOGS: Columns = {
    "log_index": "INT64",
    "transaction_hash": "STRING",
    "transaction_index": "INT64",
    "address": "STRING",
    "data": "STRING",
    "topics": "ARRAY<STRING>",
    # A text here: nothing computes with it once the days are chosen, and the evaluator is given no timestamps.
    "block_timestamp": "STRING",
    "block_number": "INT64",
    "block_hash": "STRING",
}
TARGET = BigQueryTarget("p", "raw", "US")
TYPES = [
    *(f"uint{n}" for n in range(8, 257, 8)),
    *(f"int{n}" for n in range(8, 257, 8)),
    *(f"bytes{n}" for n in range(1, 33)),
    "address",
    "bool",
]


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    return Analyzer()


def inlined(sql: str) -> str:
    """Calls of the temporary functions replaced by their bodies."""
    bodies = {UINT_TEXT: uint_text_body(), INT_TEXT: int_text_body()}
    for name, body in bodies.items():
        # The argument may hold parentheses of its own, one level deep.
        call = re.compile(rf"{name}\(((?:[^()]|\((?:[^()]|\([^()]*\))*\))*)\)")
        sql = call.sub(lambda match, body=body: f"(select {body} from (select {match[1]} as word))", sql)  # type: ignore[misc]
    return sql


def words_at_the_edges() -> list[int]:
    edges = {0, 1, 2}
    for bits in range(8, 257, 8):
        edges |= {2**bits - 1, 2**bits % 2**256, 2 ** (bits - 1) - 1, 2 ** (bits - 1), -(2 ** (bits - 1)) % 2**256}
        edges |= {(-(2 ** (bits - 1)) - 1) % 2**256, (2**256 - 2**bits) % 2**256}
    for digits in (15, 18, 19, 22, 23, 24, 38, 39, 45, 46, 47, 68, 69, 70, 77):
        edges |= {10**digits - 1, 10**digits, 2**256 - 10**digits}
    rng = random.Random(7)
    edges |= {rng.getrandbits(256) >> rng.choice((0, 0, 64, 128, 200)) for _ in range(40)}
    return sorted(edges)


def test_every_static_type_at_its_edges(analyzer: Analyzer) -> None:
    numbers = words_at_the_edges()
    words = np.frombuffer(b"".join(n.to_bytes(32, "big") for n in numbers), np.uint8).reshape(-1, 32)
    compared = 0
    # Wide integers are converted by one expression each, whatever their width; only what fits differs.
    values = {t: value(t, "w") for t in TYPES}
    alike = {t: next(u for u in reversed(TYPES) if values[u] == values[t]) for t in TYPES}
    assert {alike[t] for t in TYPES if t.startswith("uint")} >= {"uint256", "uint8", "uint56"}
    evaluated = [t for t in TYPES if alike[t] == t or t in ("uint160", "int128")]
    for types in (evaluated, [t for t in TYPES if t not in evaluated]):
        is_whole = types is evaluated
        columns = [
            f"if({fits(t, 'w')}, {f'cast({values[t]} as string)' if is_whole else repr('')}, null)" for t in types
        ]
        rows = evaluate(
            analyzer,
            inlined(f"select {', '.join(columns)} from words"),
            "words",
            {"w": "STRING"},
            [(f"{n:064x}",) for n in numbers],
        )
        for position, abi_type in enumerate(types):
            good = decoder_fits(abi_type, words)
            expected = [_text(v) for v in decode_words(abi_type, words[good]).to_pylist()]
            got = [row[position] for row in rows]
            assert [v is not None for v in got] == good.tolist(), abi_type
            if is_whole:
                assert [v for v in got if v is not None] == expected, abi_type
                compared += len(expected)
    assert compared > 3_500
    # The decoder is not alone to say so.
    (row,) = evaluate(
        analyzer,
        inlined(f"select {value('uint256', 'w')}, {value('int256', 'w')} from words"),
        "words",
        {"w": "STRING"},
        [("f" * 64,)],
    )
    assert row == (str(2**256 - 1), "-1")


def _text(cell: object) -> str:
    return str(cell).lower() if isinstance(cell, bool) else str(cell)


def recorded_logs(reference_data: Path, numbers: tuple[int, ...]) -> list[dict[str, Any]]:
    """Logs of recorded blocks, with their block's time."""
    found = []
    for number in numbers:
        recorded = json.loads(gzip.decompress((reference_data / "blocks" / "1" / f"{number}.json.gz").read_bytes()))
        for receipt in recorded["receipts"]:
            found += [{**log, "blockTimestamp": recorded["block"]["timestamp"]} for log in receipt["logs"]]
    return found


def public_row(log: dict[str, Any]) -> tuple[Any, ...]:
    """The log as the public dataset has it."""
    return (
        int(log["logIndex"], 16),
        log["transactionHash"],
        int(log["transactionIndex"], 16),
        log["address"],
        log["data"],
        log["topics"],
        log["blockTimestamp"],
        int(log["blockNumber"], 16),
        log["blockHash"],
    )


def load_of(specs: list[EventSpec]) -> PublicLoad:
    filters = tuple(Filter(spec, ANY) for spec in specs)
    return PublicLoad(1, date(2023, 1, 1), date(2023, 1, 2), filters, "v", "1.5", "p.raw")


def matching(analyzer: Analyzer, load: PublicLoad, logs: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Rows of the temporary table, by the script's own statement without its dates."""
    query = matching_logs(load).split(" as\n", 1)[1].rstrip(";\n")
    query = re.sub(r"where block_timestamp >= .*\n\s+and \(", "where (", query).replace(load.source.logs, "logs")
    rows: list[tuple[Any, ...]] = evaluate(analyzer, query, "logs", LOGS, [public_row(log) for log in logs])
    return rows


TEMPORARY: Columns = {
    **dict.fromkeys(("block_number", "log_index", "tx_index"), "INT64"),
    **dict.fromkeys(("block_timestamp", "block_hash", "tx_hash", "contract_address"), "STRING"),
    "topic_count": "INT64",
    **dict.fromkeys(("topic0", "topic1", "topic2", "topic3", "data"), "STRING"),
}


def decoded_by_sql(
    analyzer: Analyzer, query: str, names: list[str], rows: list[tuple[Any, ...]]
) -> list[tuple[str, ...]]:
    texts = ", ".join(f"cast({name} as string)" for name in names)
    return sorted(evaluate(analyzer, f"select {texts} from ({inlined(query)})", "logs", TEMPORARY, rows))


def decoded_by_loader(tables: list[Any], names: list[str], timestamps: dict[int, str]) -> list[tuple[str, ...]]:
    rows = [row for part in tables for row in part.to_pylist()]
    for row in rows:
        row["block_timestamp"] = timestamps[row["block_number"]]
    return sorted(tuple(_text(row[name]) for name in names) for row in rows)


def test_recorded_mainnet_logs_decode_as_the_loader_decodes_them(analyzer: Analyzer, reference_data: Path) -> None:
    logs = recorded_logs(reference_data, (12_505_500, 17_034_870))
    specs = [e for e in load_events().with_tables_for(load_events().families).events if e.emitters == "any"]
    load = load_of([s for s in specs if s.topic0 in {log["topics"][0] for log in logs if log["topics"]}])
    selected = {s.spec: s for s in load.selected}
    raw = _raw(logs, sorted({s.topic0 for s in selected}))
    rows = matching(analyzer, load, logs)
    assert len(rows) == len(raw)
    expected = Decoder(1, [Wanted(spec, None) for spec in selected]).decode(raw)
    timestamps = {int(log["blockNumber"], 16): log["blockTimestamp"] for log in logs}
    compared = 0
    for spec, one in selected.items():
        if spec.is_shared:
            continue  # several events share its table
        names = [c.name for c in load_events().with_tables_for([spec.family]).tables[spec.table].columns]
        got = sorted(
            row
            for abi in one.layouts
            for row in decoded_by_sql(analyzer, select_rows(1, one, abi, "logs", "1.5"), names, rows)
        )
        assert got == decoded_by_loader(expected.tables.get(spec.table, []), names, timestamps), spec.table
        compared += len(got)
    assert compared > 500
    assert {"uniswap_v2__pair_swap", "uniswap_v3__pool_swap", "erc20__token_transfer"} <= set(expected.tables)
    names = ["block_number", "log_index", "tx_index", "block_hash", "tx_hash", "contract_address", "topics", "data"]
    undecoded = decoded_by_sql(analyzer, select_undecoded(load, "logs"), names, rows)
    assert undecoded == decoded_by_loader(expected.tables.get("undecoded_logs", []), names, timestamps)


def _raw(logs: list[dict[str, Any]], topics: list[str]) -> RawLogs:
    raw = parse_any_layout(msgspec.json.encode(logs))
    return of_query(raw, LogQuery(tuple(topics), ()))


def test_rare_events_keep_their_payload_to_the_character(analyzer: Analyzer) -> None:
    """Booleans, small and wide integers, addresses, and none at all, in one table for several events."""
    specs = [e for e in load_events().events if e.is_shared and all(p.is_static for p in e.abi.in_data)]
    specs = [next(s for s in specs if any(p.type == "bool" for p in s.abi.parameters)), *specs[:3]]
    logs = []
    for number, spec in enumerate(dict.fromkeys(specs)):
        indexed = ["0x" + f"{7 + i:064x}" for i in range(len(spec.abi.indexed))]
        data = "0x" + "".join(f"{1 if p.type == 'bool' else 200:064x}" for p in spec.abi.in_data)
        logs.append(
            {
                **dict.fromkeys(("blockHash", "transactionHash"), "0x" + "ab" * 32),
                "logIndex": hex(number),
                "transactionIndex": "0x0",
                "blockNumber": "0x5",
                "blockTimestamp": "0x65",
                "address": "0x" + "cd" * 20,
                "topics": [spec.topic0, *indexed],
                "data": data,
            }
        )
    load = load_of(specs)
    rows = matching(analyzer, load, logs)
    expected = Decoder(1, [Wanted(s, None) for s in dict.fromkeys(specs)]).decode(
        parse_any_layout(msgspec.json.encode(logs))
    )
    names = ["log_index", "event_role", "event_name", "payload"]
    by_sql = sorted(
        row
        for one in load.selected
        for row in decoded_by_sql(analyzer, select_rows(1, one, one.spec.abi, "logs", "1.5"), names, rows)
    )
    by_loader = decoded_by_loader([t for parts in expected.tables.values() for t in parts], names, {5: ""})
    assert by_sql == by_loader
    assert any('":true' in row[3] for row in by_sql)


def test_logs_that_are_missing_or_there_twice_are_told(analyzer: Analyzer) -> None:
    indexes = {1: [0, 1, 2], 2: [1, 2], 3: [0, 2], 4: [0, 1, 1], 5: [0, 0, 2], 6: [0]}
    hash_ = "0x" + "ab" * 32
    rows: list[tuple[Any, ...]] = [
        (i, hash_, 0, hash_[:42], "0x", [], "", n, hash_) for n, found in indexes.items() for i in found
    ]
    load = load_of([e for e in load_events().events if e.table == "uniswap_v2__pair_sync"])
    query = re.sub(r"where block_timestamp >= .*\n", "", numbering(load)).replace(load.source.logs, "logs")
    query = f"select block_number, cast(is_whole as string) from ({query})"
    told = evaluate(analyzer, query, "logs", LOGS, rows)
    assert {number for number, is_whole in told if is_whole == "true"} == {1, 6}
    assert {number for number, _ in told} == set(indexes)


def test_the_whole_script_resolves_against_the_raw_tables(analyzer: Analyzer) -> None:
    registry = load_registry()
    request = PublicRequest(
        "ethereum", date(2024, 1, 1), date(2024, 2, 1), ("uniswap_v3", "balancer_v2"), with_transfers=True
    )
    load = plan(request, TARGET, registry, now=datetime(2024, 3, 1, tzinfo=UTC))
    tables = registry.events.with_tables_for(["uniswap_v3", "balancer_v2", TRANSFERS]).tables
    loads = {"load_id": "STRING", "schema_name": "STRING", "status": "INT64", "inserted_at": "TIMESTAMP"}

    def columns_of(name: str) -> Columns | None:
        table = name.rsplit(".", 1)[-1]
        if name.startswith("bigquery-public-data.crypto_ethereum."):
            return BLOCKS if table == "blocks" else {**LOGS, "block_timestamp": "TIMESTAMP"}
        if table == "_dlt_loads":
            return {**loads, "schema_version_hash": "STRING"}
        return {c.name: canonical_type(c.type) for c in (*tables[table].columns, LOAD_ID)} if table in tables else None

    text = script(load)
    kinds = [statement.kind for statement in analyzer.check(text, columns_of)]
    assert kinds.count("assert") == 5
    assert kinds.count("create_table_as_select") == 1
    # Per event its rows and its ledger; then what does not decode, the ends' headers and the load itself, last.
    assert kinds.count("insert") == 2 * len(load.selected) + 3
    assert text.rstrip().rsplit(";", 2)[-2].lstrip().startswith("insert into `p.raw._dlt_loads`")
    assert {s.event for s in load.unsupported} == {"TokensRegistered", "PoolBalanceChanged"}
    assert "balancer_v2 vault PoolBalanceChanged" in text
    assert "'PoolBalanceChanged' as event" not in text
    assert text.count("from `bigquery-public-data.crypto_ethereum.logs`") == 2, "the logs once, and their numbers"
    assert len(text) < 1_000_000


def test_days_that_may_still_change_are_refused() -> None:
    registry, now = load_registry(), datetime(2024, 3, 10, 5, tzinfo=UTC)
    settled = plan(PublicRequest("ethereum", date(2024, 3, 1)), TARGET, registry, now=now)
    assert settled.to_date == date(2024, 3, 9)
    with pytest.raises(PoolhouseError, match="2024-03-10 is too late"):
        plan(PublicRequest("ethereum", date(2024, 3, 1), date(2024, 3, 10)), TARGET, registry, now=now)
    with pytest.raises(PoolhouseError, match="not before"):
        plan(PublicRequest("ethereum", date(2024, 3, 1), date(2024, 3, 1)), TARGET, registry, now=now)
    with pytest.raises(PoolhouseError, match="holds Ethereum, not base"):
        plan(PublicRequest("base", date(2024, 3, 1), date(2024, 3, 2)), TARGET, registry, now=now)
    with pytest.raises(PoolhouseError, match="no query joins both"):
        run(settled, BigQueryTarget("p", "raw", "EU"), None, maximum_gb=None)


def test_the_command_prints_the_script() -> None:
    command = ["bigquery-public", "--from-date", "2024-01-01", "--to-date", "2024-01-02", "--protocol", "balancer_v2"]
    done = CliRunner().invoke(app, [*command, "--print-sql"])
    assert done.exit_code == 0
    assert done.stdout.startswith("-- Poolhouse: 2024-01-01 to 2024-01-02")
    assert "left to `poolhouse load`: balancer_v2." in done.stderr

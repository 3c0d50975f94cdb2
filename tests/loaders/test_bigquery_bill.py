"""The bill adds up: figures by hand, for tables of round sizes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
import sqlglot
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery
from rich.console import Console

from loaders.bigquery_cost import report
from loaders.bigquery_cost.bill import BLOCK_BYTES, MINIMUM_BYTES, Bill, Run, Table, statement_reads
from loaders.bigquery_cost.estimate import NodeCost, RunCost
from loaders.bigquery_cost.measured import measured_tables
from loaders.bigquery_cost.pruning import Variables, may_match
from loaders.bigquery_cost.scans import Catalog, read_statement, script_statements
from loaders.bigquery_cost.sizes import Growth, Profile, column_width, logs_of
from loaders.commands.cost import history_days
from loaders.errors import PoolhouseError
from loaders.load.bigquery import label_queries

FACTS, POOLS, STATE = "p.d.facts", "p.d.pools", "p.d.state"
MIB = 2**20
A_YEAR = 360
COLUMNS = ("block_date", "block_timestamp", "amount")
CATALOG = Catalog({FACTS: COLUMNS, POOLS: ("pool", "name"), STATE: ("closed_date", "value")}, {})
HOURLY, DAILY = Run("hour", A_YEAR), Run("day", A_YEAR)


def facts(rows_per_day: float, cluster: tuple[str, ...] = ()) -> Table:
    widths = {"block_date": 8.0, "block_timestamp": 8.0, "amount": 32.0}
    return Table(FACTS, Growth(0, rows_per_day), "log", widths, "block_date", cluster)


def bill(sql: str, run: Run, *tables: Table, read_back_days: int = 0) -> Bill:
    variables = run.variables(read_back_days=read_back_days)
    known = {table.name: table for table in tables}
    return Bill.of(statement_reads(read_statement(sql, CATALOG), known, run, variables).values())


def test_columns_times_partitions() -> None:
    million = facts(1e6)
    assert bill("select amount from p.d.facts", DAILY, million).scanned == A_YEAR * 32e6
    # At midnight the day before is new; half an hour of tail reaches into the day before that.
    dirty = bill("select amount from p.d.facts where block_date in unnest(dirty_days)", DAILY, million)
    assert dirty.scanned == 2 * 40e6
    read = bill("select amount from p.d.facts where block_date in unnest(read_days)", DAILY, million, read_back_days=3)
    assert read.scanned == 5 * 40e6
    # At noon half of the day's rows are there.
    assert bill("select amount from p.d.facts where block_date in unnest(dirty_days)", HOURLY, million).scanned == 20e6


def test_minimum_per_table_and_rounding_up() -> None:
    pools = Table(POOLS, Growth(10), "dimension", {"pool": 44.0, "name": 6.0})
    both = bill("select p.name, f.amount from p.d.facts as f, p.d.pools as p", DAILY, facts(10), pools)
    assert (both.billed, both.minimum) == (2 * MINIMUM_BYTES, 2 * MINIMUM_BYTES)
    assert both.standing == 0  # 60 bytes are within the minimum
    large = bill("select amount from p.d.facts where block_date = date '2026-11-25'", DAILY, facts(1e6))
    assert large.billed == 39 * MIB  # 40 MB
    assert large.rounding == 39 * MIB - 40e6
    assert large.of_days == 40e6 - MINIMUM_BYTES
    assert bill("select count(*) from p.d.facts", DAILY, facts(1e6)).billed == 0


def test_a_table_named_twice_is_billed_once_over_its_widest_filter() -> None:
    sql = """
        select amount from p.d.facts where block_date in unnest(dirty_days)
        union all select 1 from p.d.facts where block_timestamp is not null
    """
    assert bill(sql, DAILY, facts(1e6)).scanned == A_YEAR * 8e6 + 2 * 40e6


def test_a_replacing_merge_pays_for_every_column_of_the_replaced_partitions() -> None:
    sql = """
        merge into p.d.facts as d using (select pool from p.d.pools) as s on false
        when not matched by source and d.block_date in unnest(dirty_days) then delete
        when not matched then insert (amount) values (1)
    """
    pools = Table(POOLS, Growth(1e6), "dimension", {"pool": 44.0, "name": 6.0})
    merged = bill(sql, DAILY, facts(1e6), pools)
    assert merged.scanned == 2 * 48e6  # no column of the source is asked for
    assert bill("delete from p.d.facts where amount > 1", DAILY, facts(1e6)).scanned == A_YEAR * 48e6


def test_clustering_prunes_what_a_merge_replaces_as_what_a_query_reads() -> None:
    where = "block_date in unnest(dirty_days) and block_timestamp >= dirty_since"
    merge = f"""
        merge into p.d.facts as d using (select 1 as amount) as s on false
        when not matched by source and {where} then delete when not matched then insert (amount) values (amount)
    """
    large = facts(2 * 10 * BLOCK_BYTES / 48, ("chain_id", "block_timestamp"))
    merged, read = bill(merge, HOURLY, large), bill(f"select * from p.d.facts where {where}", HOURLY, large)
    assert merged == read
    assert merged.scanned == pytest.approx(0.3 * merged.unclustered)


def test_clustering_by_time_prunes_blocks_of_large_days_only() -> None:
    sql = "select amount from p.d.facts where block_date in unnest(dirty_days) and block_timestamp >= dirty_since"
    ten_blocks = 2 * 10 * BLOCK_BYTES / 48  # rows a day; half of them are there at noon
    by_time = bill(sql, HOURLY, facts(ten_blocks, ("chain_id", "block_timestamp")))
    # Of twelve hours the one from 10:30 on touches two: 1.67 of ten blocks, and one that it begins in.
    assert by_time.scanned == pytest.approx(0.3 * by_time.unclustered)
    tested = sql.replace("dirty_days", "untested_days").replace("dirty_since", "untested_since")  # from 10:00 on
    assert bill(tested, HOURLY, facts(ten_blocks, ("chain_id", "block_timestamp"))) == by_time
    below_an_entity = bill(sql, HOURLY, facts(ten_blocks, ("pool", "block_timestamp")))
    assert below_an_entity.scanned == below_an_entity.unclustered == by_time.unclustered
    small = bill(sql, HOURLY, facts(1000, ("chain_id", "block_timestamp")))
    assert small.scanned == small.unclustered


def test_dimensions_and_current_state_stand_beyond_their_minimum() -> None:
    pools = Table(POOLS, Growth(1e6), "dimension", {"pool": 44.0, "name": 6.0})
    read = bill(
        "select pool, amount from p.d.pools, p.d.facts where block_date = date '2026-11-25'", DAILY, pools, facts(1e6)
    )
    assert read.scanned == 44e6 + 40e6
    assert read.standing == 44e6 - MINIMUM_BYTES
    # The state that holds, not the history of what ceased to: 5 of 7 million rows.
    state = Table(STATE, Growth(0, 1e6), "log", {"closed_date": 8.0, "value": 32.0}, "closed_date", held=5e6)
    assert bill(
        "select value from p.d.state where closed_date >= first_dirty_day", DAILY, state
    ).standing == pytest.approx(5e6 * 40 - MINIMUM_BYTES)
    assert bill("select value from p.d.state where closed_date < first_dirty_day", DAILY, state).standing == 0


def test_the_state_of_a_day_is_there_whole_and_current_on_the_days_that_a_run_restates() -> None:
    sql = "select amount from p.d.facts where block_date in unnest(read_days)"
    daily = replace(facts(1e6), kind="daily")
    # At noon all of the day's rows are there already. The day before is history.
    hourly = bill(sql, HOURLY, daily, read_back_days=1)
    assert (hourly.scanned, hourly.standing) == (2 * 40e6, 40e6 - MINIMUM_BYTES)
    # At midnight the day that ends is restated, and the one before for its tail; a third is history.
    nightly = bill(sql, DAILY, daily, read_back_days=1)
    assert (nightly.scanned, nightly.standing) == (3 * 40e6, 2 * 40e6 - MINIMUM_BYTES)


def test_open_state_is_one_partition() -> None:
    state = Table(STATE, Growth(0, 1e6), "log", {"closed_date": 8.0, "value": 32.0}, "closed_date", held=5e6)
    onward = bill("select value from p.d.state where closed_date >= first_dirty_day", DAILY, state)
    assert onward.scanned == (2e6 + 5e6) * 40
    assert bill("select value from p.d.state where closed_date = date '2159-12-31'", DAILY, state).scanned == 5e6 * 40
    assert bill("select value from p.d.state", DAILY, state).scanned == (A_YEAR * 1e6 + 5e6) * 32


def test_a_month_is_read_whole() -> None:
    """Of entities spread over a year the month of the newest; the first of December stands in another partition."""
    pools = Table(
        POOLS, Growth(A_YEAR * 1000), "dimension", {"first_date": 8.0}, "first_date", is_partitioned_by_month=True
    )
    catalog = Catalog({POOLS: ("first_date",)}, {})

    def scanned(condition: str) -> float:
        statement = read_statement(f"select first_date from p.d.pools where {condition}", catalog)
        return Bill.of(statement_reads(statement, {POOLS: pools}, HOURLY, HOURLY.variables()).values()).scanned

    assert scanned("first_date in unnest(untested_days)") == 26 * 1000 * 8
    assert scanned("first_date = date '2026-10-31'") == 31 * 1000 * 8
    assert scanned("first_date in (date '2026-09-30', date '2026-10-01')") == (30 + 31) * 1000 * 8


def test_who_saw_the_last_build_reads_the_newest_partition_of_a_log_by_build() -> None:
    widths = {"build_number": 8.0, "amount": 32.0}
    log = Table(FACTS, Growth(1e6, 100), "log", widths, "build_number", builds_per_partition=100)
    catalog = Catalog({FACTS: ("build_number", "amount")}, {})

    def scanned(condition: str) -> float:
        sql = f"declare seen_build int64 default 0; select amount from p.d.facts as f where {condition}"
        (statement,) = (s for s in script_statements(sql, catalog) if s.scans)
        return statement_reads(statement, {FACTS: log}, DAILY, DAILY.variables())[FACTS].scanned

    assert scanned("f.build_number > seen_build") == 100 * 100 * 40
    assert scanned("true") == (1e6 + A_YEAR * 100) * 32
    assert scanned("f.build_number > (select max(build_number) from p.d.facts)") == (1e6 + A_YEAR * 100) * 40


@pytest.mark.parametrize(
    ("condition", "matches"),
    [
        ("date(x) in unnest(days)", True),
        ("date(x) in unnest(other_days)", False),
        ("x >= timestamp_sub(since, interval 2 hour)", True),
        ("x >= timestamp_add(since, interval 1 day)", False),
        ("timestamp('2024-03-05') > x", False),
        ("timestamp('2024-03-05 10:00:00') > x", True),
        ("cast(x as date) between date '2024-03-06' and date '2024-03-07'", False),
        ("x < timestamp '2024-03-05' or x > timestamp '2024-03-05 20:00:00'", True),
        ("timestamp_trunc(x, hour) = timestamp '2024-03-06 01:00:00'", False),
        ("mod(unix_seconds(x), 2) = 0", True),  # not understood: prunes nothing
        ("x >= unknown_variable", True),
    ],
)
def test_what_a_day_can_hold(condition: str, matches: bool) -> None:
    first = datetime(2024, 3, 5, tzinfo=UTC)
    last = first + timedelta(days=1, microseconds=-1)
    variables: Variables = {
        "days": (date(2024, 3, 1), date(2024, 3, 5)),
        "other_days": (date(2024, 3, 4), date(2024, 3, 6)),
        "since": datetime(2024, 3, 5, 23, tzinfo=UTC),
    }
    assert may_match(sqlglot.parse_one(condition, read="bigquery"), first, last, variables) is matches


def test_assumed_rows_follow_from_logs() -> None:
    ethereum = Profile.of(("ethereum",))
    growth = ethereum.growth("uniswap_v3__pool_swap")
    assert growth is not None
    days = (date(2026, 11, 26) - date(2021, 5, 4)).days
    assert growth.per_day == pytest.approx(0.8 * 1e8 / days)
    assert growth.start == 0
    both = Profile.of(("ethereum", "base")).growth("dex_pools")
    assert both is not None
    assert both.start == 3_500_000
    assert ethereum.growth("a_table_of_your_own") is None
    assert logs_of("morpho_blue", "bnb") == 0
    with pytest.raises(PoolhouseError, match="Nothing is assumed of the size of atlantis"):
        Profile.of(("atlantis",))


@pytest.mark.parametrize(
    ("name", "data_type", "width"),
    [
        ("block_number", "int64", 8),
        ("amount_usd", "numeric(38, 9)", 16),
        ("amount_in_raw", "bignumeric", 32),
        ("amount_in_raw", None, 32),
        ("tx_hash", "string", 68),
        ("pool_address", None, 44),
        ("block_date", None, 8),
        ("is_flash", None, 1),
        ("amount0", "string", 14),  # decimal text, whatever a number of that name is
    ],
)
def test_columns_are_as_wide_as_bigquery_bills_them(name: str, data_type: str | None, width: float) -> None:
    assert column_width(name, data_type) == width


def test_sizes_of_a_warehouse_that_is_there(tmp_path: Path) -> None:
    database = tmp_path / "w.duckdb"
    with duckdb.connect(str(database)) as connection:
        connection.execute("create schema raw; create schema d")
        connection.execute(
            "create table raw.load_ranges as select timestamp '2024-01-01 10:00' as min_timestamp, "
            "timestamp '2024-01-04 09:00' as max_timestamp"
        )
        connection.execute("create table d.pools as select 'ab' as pool, 'abcdef' as name from range(6)")
        connection.execute("create table d.facts as select date '2024-01-01' as block_date, now() as block_timestamp, "
                           "1::hugeint as amount from range(40)")  # fmt: skip
        connection.execute(
            "create table d.state as select date '2024-01-02' as closed_date, 1::bigint as value from range(8)"
        )
        connection.execute("insert into d.state select date '2159-12-31', 1 from range(5)")
    pools = Table(POOLS, Growth(1), "dimension", {"pool": 44.0, "name": 6.0})
    state = Table(STATE, Growth(0, 7), "log", {"closed_date": 8.0, "value": 32.0}, "closed_date", held=1e6)
    absent = Table("p.d.absent", Growth(9), "state", {})
    measured = measured_tables({t.name: t for t in (pools, facts(1), state, absent)}, database)
    assert measured[POOLS].growth == Growth(6, 0)
    assert measured[POOLS].widths == {"pool": 4, "name": 8}
    assert measured[FACTS].growth == Growth(0, 10)  # four days
    assert measured[FACTS].widths == {"block_date": 8, "block_timestamp": 8, "amount": 32}
    assert (measured[STATE].growth, measured[STATE].held) == (Growth(0, 2), 5)  # thirteen rows, of which five hold
    assert measured[absent.name].growth == Growth(9)
    with duckdb.connect(str(tmp_path / "empty.duckdb")):
        pass
    with pytest.raises(PoolhouseError, match=r"empty\.duckdb holds no loaded day"):
        measured_tables({}, tmp_path / "empty.duckdb")
    (tmp_path / "notes.txt").write_text("no warehouse")
    with pytest.raises(PoolhouseError, match=r"notes\.txt cannot be read"):
        measured_tables({}, tmp_path / "notes.txt")


def test_history_is_days_or_years() -> None:
    assert (history_days("90d"), history_days("2y")) == (90, 730)
    with pytest.raises(PoolhouseError, match="3w is no length of time"):
        history_days("3w")


def test_report_adds_up_and_names_what_grows(capsys: pytest.CaptureFixture[str]) -> None:
    dear = NodeCost("dear", Bill(2**40, 2**40, 0, MINIMUM_BYTES, 2**40), Bill(billed=2**40), is_growing=True)
    cheap = NodeCost("cheap", Bill(billed=MINIMUM_BYTES, minimum=MINIMUM_BYTES), Bill(), is_growing=False)
    run = RunCost((dear, cheap), 5e6, {"dex.pools": 3e9})
    report.show({"hourly run": run}, 5.0, 1, Console(width=100))
    shown = capsys.readouterr().out
    assert "1 of 2 models cost more with a longer history." in shown
    assert "dex.pools" in shown
    assert "3.0 GB" in shown
    assert "10.00" in shown  # two TiB
    assert "7,300.03" in shown  # 730 hours a month, and their minimum
    (written,) = report.as_json({"hourly run": run}, 5.0, {"history_days": 365})["runs"].values()
    assert json.loads(json.dumps(written))["models"][0]["grows"] is True
    assert written["standing_bytes_by_table"] == {"dex.pools": 3_000_000_000}
    assert written["billed_bytes"] == 2 * 2**40 + MINIMUM_BYTES


def test_a_narrow_terminal_shows_every_figure(capsys: pytest.CaptureFixture[str]) -> None:
    name = "intermediate.int_lending_aave_v3_scaled_balances"
    run = RunCost((NodeCost(name, Bill(billed=1234567890), Bill(), is_growing=True),), 5e6, {name: 2.5e9})
    runs = ("hourly run", "daily run", "daily run with audit", "full refresh")
    report.show(dict.fromkeys(runs, run), 5.0, 1, Console(width=80))
    shown = capsys.readouterr().out
    assert (shown.count("1.2 GB"), shown.count("2.5 GB")) == (2 * len(runs), len(runs))


def test_queries_of_the_loader_bear_labels() -> None:
    client = bigquery.Client("project", AnonymousCredentials())
    label_queries(client)
    config = client.default_query_job_config
    assert config is not None
    assert config.labels == {"app": "poolhouse"}

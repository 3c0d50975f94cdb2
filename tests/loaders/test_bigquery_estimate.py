"""What a run costs, summed over its statements: figures by hand, for a project of one or two models."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from loaders.bigquery_cost.bill import MINIMUM_BYTES, Run, Table
from loaders.bigquery_cost.estimate import Project, ReadJob, RunCost, run_cost
from loaders.bigquery_cost.recorder import Recording, Sent
from loaders.bigquery_cost.scans import Catalog, script_statements
from loaders.bigquery_cost.sizes import Growth, Profile
from loaders.errors import PoolhouseError

FACTS, POOLS = "p.d.facts", "p.d.pools"
A_YEAR = 360
DAILY, HOURLY = Run("day", A_YEAR), Run("hour", A_YEAR)
FACT_WIDTHS = {"block_date": 8.0, "block_timestamp": 8.0, "amount": 32.0}


def cost(script: str, run: Run, *tables: Table, **meta: object) -> RunCost:
    """Of a project whose one model ``m``, with this meta, sends the script."""
    catalog = Catalog({table.name: tuple(table.widths) for table in tables}, {})
    node = SimpleNamespace(name="m", resource_type="model", config=SimpleNamespace(meta=meta))
    job = ReadJob(Sent("model.m", script), tuple(script_statements(script, catalog)))
    project = Project(SimpleNamespace(nodes={"model.m": node}), (job,))
    return run_cost(project, Profile(("ethereum",)), run, {table.name: table for table in tables})


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("select x from p.d.absent", r"model\.m reads p\.d\.absent, which is no model, seed or source"),
        ("select x from p.d.m pivot (sum(x) for y in (", r"model\.m sends what cannot be estimated: "),
    ],
)
def test_a_statement_that_cannot_be_followed_is_named(script: str, reason: str) -> None:
    def model(name: str) -> SimpleNamespace:
        return SimpleNamespace(
            name=name,
            unique_id=f"model.{name}",
            resource_type="model",
            database="p",
            schema="d",
            columns={"x": None},
            config=SimpleNamespace(materialized="table"),
        )

    nodes = {f"model.{name}": model(name) for name in ("m", "int_ledger_changes")}
    recording = Recording(SimpleNamespace(nodes=nodes, sources={}), (Sent("model.m", script),))
    with pytest.raises(PoolhouseError, match=reason):
        Project.read(recording)


def facts(rows_per_day: float) -> Table:
    return Table(FACTS, Growth(0, rows_per_day), "log", FACT_WIDTHS, "block_date")


def test_new_rows_are_those_that_the_run_writes_its_tail_included() -> None:
    # Half an hour of what was not final comes once more: 24.5 of 24 hours, and 1.5 hours.
    sql = "select amount from p.d.facts where block_date in unnest(dirty_days)"
    assert cost(sql, DAILY, facts(1e6)).new_bytes == pytest.approx(24.5 / 24 * 48e6)
    assert cost(sql, HOURLY, facts(1e6)).new_bytes == pytest.approx(1.5 / 24 * 48e6)


@pytest.mark.parametrize(
    ("mib_a_year", "grows"),
    # Billed are at least 10 MiB; a growth of no more than such a minimum is slight.
    [(1, False), (4.9, False), (8, False), (9.9, False), (11, True), (1000, True)],
)
def test_a_model_grows_when_more_history_is_billed(mib_a_year: float, grows: bool) -> None:
    rows_per_day = mib_a_year * 2**20 / A_YEAR / 32
    (node,) = cost("select amount from p.d.facts", DAILY, facts(rows_per_day)).nodes
    assert node.is_growing is grows
    (pruned,) = cost("select amount from p.d.facts where block_date in unnest(dirty_days)", DAILY, facts(1e6)).nodes
    assert not pruned.is_growing


def test_days_that_are_read_back_are_those_that_the_model_says() -> None:
    sql = "select amount from p.d.facts where block_date in unnest(read_days)"

    def days_read(**meta: object) -> float:
        return cost(sql, DAILY, facts(1e6), **meta).total.scanned / 40e6

    # A day and the tail of the one before.
    assert days_read() == 2
    assert days_read(carry_days=3) == 5
    assert days_read(carry_days=3, read_back_days=0) == 2


def test_what_stands_is_named_by_table() -> None:
    pools = Table(POOLS, Growth(1e6), "dimension", {"pool": 44.0})
    held = Table(FACTS, Growth(0, 1e6), "log", {"closed_date": 8.0, "value": 32.0}, "closed_date", held=5e6)
    script = """
        create table p.d.facts__dbt_tmp as select closed_date, value, pool from p.d.facts, p.d.pools
        where closed_date >= first_dirty_day;
        select value from p.d.facts__dbt_tmp; select pool from p.d.pools
    """
    run = cost(script, DAILY, pools, held)
    # Of the temporary table, the rows that hold are those of the table that it goes into: two reads of them.
    assert run.standing == {
        "d.facts": pytest.approx((5e6 * 40 - MINIMUM_BYTES) + (5e6 * 32 - MINIMUM_BYTES)),
        "d.pools": pytest.approx(2 * (44e6 - MINIMUM_BYTES)),
    }
    assert run.total.standing == pytest.approx(sum(run.standing.values()))
    assert list(run.standing) == ["d.facts", "d.pools"]

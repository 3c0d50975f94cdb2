"""What a statement reads, by hand."""

from __future__ import annotations

import pytest

from loaders.bigquery_cost.scans import Catalog, Scan, UnknownRelation, read_statement, script_statements, split_script

LOGS, SWAPS, POOLS = "p.raw.logs", "p.dex.swaps", "p.dex.pools"


@pytest.fixture
def catalog() -> Catalog:
    tables = {
        LOGS: ("chain_id", "block_timestamp", "tx_hash", "data"),
        SWAPS: ("pool", "block_date", "block_timestamp", "amount", "price"),
        POOLS: ("pool", "name", "created_date"),
    }
    view = """
        with live as (select raw_logs.* from `p`.`raw`.`logs` as raw_logs)
        select cast(live.block_timestamp as timestamp) as block_timestamp, date(live.block_timestamp) as block_date,
               live.tx_hash as hash, live.data as payload
        from live
    """
    return Catalog(tables, {"p.staging.logs": view})


def reads(sql: str, catalog: Catalog) -> dict[str, tuple[set[str], set[str]]]:
    """Columns and filters by table; each is referenced once."""
    scans = read_statement(sql, catalog).scans
    assert len({scan.table for scan in scans}) == len(scans)
    return {scan.table: (set(scan.columns), filters(scan)) for scan in scans}


def filters(scan: Scan) -> set[str]:
    return {f.sql.lower() for f in scan.filters}


def test_only_asked_columns_are_read_through_a_view_and_filters_reach_the_table(catalog: Catalog) -> None:
    sql = "select hash from p.staging.logs where block_date in unnest(dirty_days) and block_timestamp >= dirty_since"
    assert reads(sql, catalog) == {
        LOGS: (
            {"block_timestamp", "tx_hash"},
            {"date(block_timestamp) in unnest(dirty_days)", "cast(block_timestamp as timestamp) >= dirty_since"},
        )
    }


def test_columns_that_nothing_asks_for_are_not_read(catalog: Catalog) -> None:
    sql = (
        "with all_swaps as (select * from p.dex.swaps) select pool, sum(amount) as amount from all_swaps group by pool"
    )
    assert reads(sql, catalog) == {SWAPS: ({"pool", "amount"}, set())}
    assert reads("select count(*) from p.dex.swaps", catalog) == {SWAPS: (set(), set())}
    assert reads("select * from p.dex.swaps where false limit 0", catalog) == {}
    # The probe of a contract asks for nothing; DISTINCT asks for all.
    distinct = "select pool from (select distinct pool, price from p.dex.swaps)"
    assert reads(distinct, catalog) == {SWAPS: ({"pool", "price"}, set())}


def test_a_filter_passes_grouping_and_windows_only_by_their_keys(catalog: Catalog) -> None:
    by_day = "select * from (select block_date, sum(amount) as a from p.dex.swaps group by block_date) where {}"
    assert reads(by_day.format("block_date = day"), catalog)[SWAPS][1] == {"block_date = day"}
    assert reads(by_day.format("a > 1"), catalog)[SWAPS][1] == set()
    ranked = "select * from (select *, lag(price) over (partition by {} order by amount) as p from p.dex.swaps) where block_date = day"
    assert reads(ranked.format("pool, block_date"), catalog)[SWAPS][1] == {"block_date = day"}
    assert reads(ranked.format("pool"), catalog)[SWAPS][1] == set()
    limited = "select * from (select * from p.dex.swaps limit 5) where block_date = day"
    assert reads(limited, catalog)[SWAPS][1] == set()


def test_an_outer_join_filters_the_side_that_may_be_absent_only_in_its_condition(catalog: Catalog) -> None:
    sql = """
        select s.amount, p.name from p.dex.swaps as s
        left join p.dex.pools as p on s.pool = p.pool and p.created_date <= day and s.block_date = day
        where p.created_date >= other_day and s.block_timestamp >= since
    """
    read = reads(sql, catalog)
    assert read[POOLS] == ({"pool", "name", "created_date"}, {"created_date <= day"})
    assert read[SWAPS][1] == {"block_timestamp >= since"}


def test_an_equality_or_a_subquery_is_no_constant_filter(catalog: Catalog) -> None:
    sql = """
        select s.amount from p.dex.swaps as s inner join p.dex.pools as p on s.block_date = p.created_date
        where p.created_date = day and s.block_date >= (select max(created_date) from p.dex.pools)
    """
    scans = read_statement(sql, catalog).scans
    assert [filters(scan) for scan in scans if scan.table == SWAPS] == [set()]
    assert {frozenset(filters(scan)) for scan in scans if scan.table == POOLS} == {
        frozenset(),
        frozenset({"created_date = day"}),
    }


def test_both_sides_of_a_union_are_filtered_by_position(catalog: Catalog) -> None:
    sql = """
        select day from (
            select block_date as day, amount from p.dex.swaps union all select created_date, 0 from p.dex.pools
        ) where day in unnest(days)
    """
    # `days` is a variable, `day` the column.
    assert reads(sql, catalog) == {
        SWAPS: ({"block_date"}, {"block_date in unnest(days)"}),
        POOLS: ({"created_date"}, {"created_date in unnest(days)"}),
    }


def test_correlated_subqueries_and_qualify_read_what_they_name(catalog: Catalog) -> None:
    sql = """
        select s.amount from p.dex.swaps as s
        where exists (select 1 from p.dex.pools as p where p.pool = s.pool)
        qualify row_number() over (partition by s.price order by s.block_timestamp) = 1
    """
    assert reads(sql, catalog) == {
        SWAPS: ({"amount", "pool", "price", "block_timestamp"}, set()),
        POOLS: ({"pool"}, set()),
    }


def test_a_merge_that_replaces_reads_what_it_deletes(catalog: Catalog) -> None:
    script = """
        declare dirty_days array<date> default (select array_agg(created_date) from p.dex.pools where name = 'x');
        merge into `p`.`dex`.`swaps` as dest using (select * from p.dex.pools) as src on false
        when not matched by source and dest.block_date in unnest(dirty_days) then delete
        when not matched then insert (pool, price) values (pool, name)
    """
    declared, merged = script_statements(script, catalog)
    assert (declared.kind, [(s.table, set(s.columns)) for s in declared.scans]) == (
        "declare",
        [(POOLS, {"created_date", "name"})],
    )
    assert (merged.kind, merged.target) == ("merge", SWAPS)
    target, source = merged.scans
    assert (target.table, filters(target)) == (SWAPS, {"block_date in unnest(dirty_days)"})
    assert target.columns == {"pool", "block_date", "block_timestamp", "amount", "price"}
    assert (source.table, set(source.columns)) == (POOLS, {"pool", "name"})


def test_a_merge_that_only_inserts_does_not_modify(catalog: Catalog) -> None:
    sql = (
        "merge into p.dex.swaps as d using p.dex.pools as s on false when not matched then insert (pool) values (pool)"
    )
    target, source = read_statement(sql, catalog).scans
    assert (target.table, set(target.columns)) == (SWAPS, set())
    assert source.columns == {"pool"}


def test_deletes_modify_and_created_tables_are_known_to_the_script(catalog: Catalog) -> None:
    (deleted,) = read_statement("delete from p.dex.swaps where block_date = day", catalog).scans
    assert (len(deleted.columns), filters(deleted)) == (5, {"block_date = day"})
    script = "create table p.dex.swaps__dbt_tmp as (select pool, amount from p.dex.swaps); select pool from p.dex.swaps__dbt_tmp"
    created, selected = script_statements(script, catalog)
    assert (created.kind, created.target, created.columns) == ("create", "p.dex.swaps__dbt_tmp", ("pool", "amount"))
    assert [(s.table, set(s.columns)) for s in selected.scans] == [("p.dex.swaps__dbt_tmp", {"pool"})]
    with pytest.raises(UnknownRelation, match=r"p\.dex\.absent"):
        read_statement("select * from p.dex.absent", catalog)


def test_a_script_is_split_at_its_semicolons_alone() -> None:
    assert split_script("select ';' as a -- b;\n; select 2 /* ; */;\n") == ["select ';' as a -- b;", "select 2 /* ; */"]

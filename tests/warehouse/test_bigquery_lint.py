"""Each rule that Google's analyzer leaves to BigQuery finds what it is there for, and nothing in what BigQuery takes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.warehouse.offline_bigquery.lint import RULES, name_of
from tests.warehouse.offline_bigquery.lint.limits import (
    DEEPEST_QUERIED,
    DEEPEST_VIEW,
    LONGEST_COLUMN,
    LONGEST_EXPANDED,
    LONGEST_JOB,
    LONGEST_TABLE,
    LONGEST_VIEW,
    MOST_COLUMNS,
    MOST_TABLES,
)
from tests.warehouse.offline_bigquery.lint.options import LONGEST_DESCRIPTION, MOST_LABELS
from tests.warehouse.offline_bigquery.warehouse import OfflineWarehouse

COLUMNS = {"ts": "TIMESTAMP", "d": "DATE", "k": "STRING", "n": "INT64", "j": "JSON", "b": "BYTES"}
AS_ALL = " as select * from p.d.t"
LONG_COLUMN, LONG_VIEW = ("x" * (LONGEST_DESCRIPTION[owner] + 1) for owner in ("table column", "view"))
MANY_LABELS = ", ".join(f"('l{number}', '')" for number in range(MOST_LABELS + 1))

BREACHES = {
    "partition-expression": [
        f"create table p.d.a partition by timestamp_trunc(ts, week){AS_ALL}",
        f"create table p.d.a partition by date_trunc(d, quarter){AS_ALL}",
        f"create table p.d.a partition by ts{AS_ALL}",
        f"create table p.d.a partition by k{AS_ALL}",
        f"create table p.d.a partition by d, n{AS_ALL}",
        "create table p.d.a (n int64) partition by range_bucket(n, [1, 2, 3])",
    ],
    "partitions-per-table": [
        "create table p.d.a (n int64) partition by range_bucket(n, generate_array(0, 20001, 2))",
        "create table p.d.a (n int64) partition by range_bucket(n, generate_array(0, 10001))",
        "create table p.d.a (ts timestamp) partition by timestamp_trunc(ts, hour)",
    ],
    "partitions-per-job": [f"create table p.d.a partition by timestamp_trunc(ts, hour){AS_ALL}"],
    "cluster-columns": [
        "create table p.d.a (a int64, b int64, c int64, d int64, e int64) cluster by a, b, c, d, e",
        f"create table p.d.a cluster by b{AS_ALL}",
        f"create table p.d.a cluster by k, k{AS_ALL}",
        f"create table p.d.a cluster by date(ts){AS_ALL}",
    ],
    "unpruned-read": [
        "select n from p.d.t",
        "select n from p.d.t where d in (select u.d from p.d.u as u)",
        "declare days array<date> default (select array_agg(d) from p.d.t)",
        "merge p.d.t as t using p.d.u as u on t.n = u.n when not matched then insert (n) values (n)",
        "delete from p.d.t where n = 1",
    ],
    "option-names": [
        "create table p.d.a options (colour = 'red') as select 1 as a",
        "create view p.d.a options (description = 1) as select 1 as a",
        "create view p.d.a options (require_partition_filter = true) as select 1 as a",
        "create table p.d.a (a int64 options (title = 'x'))",
        "create view p.d.a (a options (rounding_mode = 'ROUND_HALF_EVEN')) as select 1 as a",
    ],
    "description-length": [
        f"create table p.d.a (a int64 options (description = '{LONG_COLUMN}'))",
        f"create view p.d.a options (description = '{LONG_VIEW}') as select 1 as a",
    ],
    "label-form": [
        "create table p.d.a options (labels = [('Team', 'dex')]) as select 1 as a",
        f"create table p.d.a options (labels = [('team', '{'x' * 64}')]) as select 1 as a",
        "create table p.d.a options (labels = [('team', 'a'), ('team', 'b')]) as select 1 as a",
        "create view p.d.a options (labels = [('1st', 'a')]) as select 1 as a",
        f"create view p.d.a options (labels = [{MANY_LABELS}]) as select 1 as a",
    ],
    "partition-options": ["create table p.d.a options (require_partition_filter = true) as select 1 as a"],
    "numeric-overflow": [
        "select cast('1e29' as numeric)",
        "select cast(-1e40 as bignumeric)",
        "select cast(579e36 as bignumeric)",
        "select cast(cast('1e30' as float64) as numeric)",
        "select cast(bignumeric '1e30' as numeric)",
        "select cast('1,000' as numeric)",
    ],
    "parameterised-cast": [
        "select cast(k as numeric(38, 9)) from p.d.u",
        "select safe_cast(k as string(9)) from p.d.u",
    ],
    "outer-join-equality": [
        "select 1 from p.d.u as a left join p.d.u as b on a.d between b.d and b.d",
        "select 1 from p.d.u as a full join p.d.u as b on a.n = b.n or a.d = b.d",
        "select 1 from p.d.u as a left join p.d.u as b on true",
        "select 1 from p.d.u as a right join p.d.u as b on b.n = 1",
    ],
    "correlated-subquery": [
        "select (select max(u.n) from p.d.u where u.k = o.k and u.n < o.n) from p.d.u as o",
        "select (select u.n from p.d.u where u.k = o.k order by u.d limit 1) from p.d.u as o",
        "select (select o.n + max(u.n) from p.d.u where u.k = o.k) from p.d.u as o",
        "select 1 from p.d.u as o where exists (select 1 from p.d.u where u.n < o.n)",
        (
            "select 1 from p.d.u as o where exists "
            "(select 1 from p.d.u where exists (select 1 from p.d.u as deeper where deeper.k = o.k))"
        ),
    ],
    "statement-length": [
        f"select '{'x' * LONGEST_JOB}'",
        f"select 1 /* {'x' * LONGEST_JOB} */",
        f"create view p.d.a as select '{'x' * LONGEST_VIEW}' as a",
    ],
    "referenced-tables": [" union all ".join(f"select n from p.many.t{i}" for i in range(MOST_TABLES + 1))],
    "identifiers": [
        f"create view p.d.a as select 1 as {'x' * (LONGEST_COLUMN + 1)}",
        "create view p.d.a as select 1 as _partition_day",
        "create view p.d.a as select 1 as _change_type",
        f"create view p.d.{'a' * (LONGEST_TABLE + 1)} as select 1 as a",
        f"create table p.d.a ({', '.join(f'a{number} int64' for number in range(MOST_COLUMNS + 1))})",
    ],
}
SOUND = [
    f"create table p.d.a partition by d cluster by k, n, ts{AS_ALL}",
    f"create table p.d.a partition by date(ts){AS_ALL}",
    f"create table p.d.a partition by timestamp_trunc(ts, day){AS_ALL}",
    f"create table p.d.a partition by date_trunc(d, month) options (require_partition_filter = true){AS_ALL}",
    "create table p.d.a partition by range_bucket(n, generate_array(0, 1000000, 100)) as select n from p.d.t",
    "create table p.d.a partition by range_bucket(n, generate_array(-5000, 5000)) as select n from p.d.t",
    "create table p.d.a (a numeric(38, 9) options (description = 'in USD')) options (labels = [('team-1', 'dex_2')])",
    (
        "create or replace table p.d.a options (expiration_timestamp = timestamp_add(current_timestamp(), interval 12 hour)) "
        "as select 1 as a"
    ),
    (
        "declare days array<date> default (select array_agg(u.d) from p.d.u); "
        "merge p.d.t as t using (select n, d from p.d.t where d in unnest(days)) as s on false "
        "when not matched by source and t.d in unnest(days) then delete when not matched then insert (n, d) values (n, d)"
    ),
    f"create table p.d.a options (description = '{LONG_COLUMN}') as select 1 as a",
    f"create view p.d.a options (description = '{LONG_COLUMN}') as select '{'x' * (LONGEST_VIEW - 100)}' as a",
    "select safe_cast('1e40' as numeric), cast('99999999999999999999999999999' as numeric), cast(5.7e38 as bignumeric)",
    "select cast('-578960446186580977117854925043439539266.34992332820282019728792003956564819968' as bignumeric)",
    "select cast(null as numeric)",
    "select 1 from p.d.u as a left join p.d.u as b on a.k = b.k and a.d >= b.d",
    "select 1 from p.d.u as a left join p.d.u as b on date(a.ts) = b.d",
    "select 1 from p.d.u as a inner join p.d.u as b on a.d between b.d and b.d",
    "select (select max(u.n) from p.d.u where u.k = o.k and u.n > 1) from p.d.u as o",
    "select (select sum(x) from unnest([o.n]) as x where x > o.n) from p.d.u as o",
    "select 1 from p.d.u as o where exists (select 1 from p.d.u where u.k = o.k and u.n < o.n)",
    "select o.n in (select u.n from p.d.u where u.k = o.k) from p.d.u as o",
    "select n from p.d.by_month",
]

Breaches = Callable[[str], set[str]]


@pytest.fixture(scope="module")
def breaches() -> Breaches:
    warehouse = OfflineWarehouse()
    for number in range(MOST_TABLES + 1):
        warehouse.add_table(f"p.many.t{number}", {"n": "INT64"})
    warehouse.add_table("p.d.t", COLUMNS, partition="d")
    warehouse.add_table("p.d.u", COLUMNS)
    warehouse.run("create table p.d.by_month (d date, n int64) partition by date_trunc(d, month)", "")
    warehouse.is_incremental = True

    def run(script: str) -> set[str]:
        warehouse.findings.clear()
        warehouse.run(script, "")
        # The CREATE TABLEs above read a partitioned table on purpose; what is incremental of them is not their subject.
        rules = {finding.rule for finding in warehouse.findings}
        return rules - {"unpruned-read"} if script.startswith("create") else rules

    return run


@pytest.mark.parametrize(
    ("rule", "script"), [(rule, script) for rule, several in BREACHES.items() for script in several]
)
def test_a_breach_is_found(breaches: Breaches, rule: str, script: str) -> None:
    assert rule in breaches(script), script[:200]


@pytest.mark.parametrize("script", SOUND)
def test_what_bigquery_takes_passes(breaches: Breaches, script: str) -> None:
    assert breaches(script) == set()


def test_views_lie_upon_each_other_only_so_deep(breaches: Breaches) -> None:
    for depth in range(1, DEEPEST_VIEW + 1):
        below = f"p.d.v{depth - 1}" if depth > 1 else "p.d.u"
        assert breaches(f"create view p.d.v{depth} as select * from {below}") == set()
    assert breaches(f"create view p.d.too_deep as select * from p.d.v{DEEPEST_VIEW}") == {"view-depth"}
    assert breaches(f"select * from p.d.v{DEEPEST_QUERIED}") == set()
    assert breaches(f"select * from p.d.v{DEEPEST_QUERIED + 1}") == {"view-depth"}


def test_a_view_counts_with_all_it_reads(breaches: Breaches) -> None:
    assert breaches(f"create view p.d.long as select n, '{'x' * (LONGEST_VIEW // 2)}' as a from p.d.u") == set()
    enough = LONGEST_EXPANDED // (LONGEST_VIEW // 2)
    assert breaches(" union all ".join(["select * from p.d.long"] * enough)) == {"statement-length"}


def test_every_rule_is_tried() -> None:
    assert {name_of(rule) for rule in RULES} == {*BREACHES, "view-depth"}

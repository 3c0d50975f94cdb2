"""Which conditions let BigQuery skip partitions: followed through the analyzer's tree down to the tables."""

from __future__ import annotations

from typing import Any

import pytest

from tests.warehouse.googlesql.analyzer import Analyzer
from tests.warehouse.googlesql.scans import scans

COLUMNS = {"ts": "TIMESTAMP", "d": "DATE", "k": "STRING", "n": "INT64"}
DAYS = "declare days array<date> default []; "
VIEW = "create view p.d.v as with kept as (select *, date(ts) as day_of from p.d.t where k != '') select * from kept"


@pytest.fixture(scope="module")
def limited() -> Any:
    analyzer = Analyzer()
    (view,) = analyzer.check(VIEW, lambda _: COLUMNS)

    def columns(name: str) -> dict[str, str]:
        return view.columns if name == "p.d.v" else COLUMNS

    def read(script: str) -> list[tuple[str, list[str]]]:
        """(table, columns limited by constants), read by read."""
        last = analyzer.check(script, columns)[-1]
        found = scans(last.resolved, {"p.d.v": view.resolved}.get)
        return [(scan.table.removeprefix("p.d."), sorted(scan.limited)) for scan in found]

    return read


PRUNED = {
    "a literal": "select n from p.d.t where d = '2024-01-01'",
    "a range": "select n from p.d.t where d between '2024-01-01' and current_date()",
    "a list": "select n from p.d.t where d in ('2024-01-01', '2024-01-02')",
    "a variable": DAYS + "select n from p.d.t where d in unnest(days)",
    "its function": DAYS + "select n from p.d.t where d >= date_sub(days[offset(0)], interval 1 day)",
    "the other way round": "select n from p.d.t where date '2024-01-01' <= d",
    "either of two": "select n from p.d.t where d = '2024-01-01' or (d = '2024-01-02' and n = 1)",
    "a CTE": "with a as (select n, d as e from p.d.t) select n from a where e = '2024-01-01'",
    "a group's key": "select * from (select d, count(*) as n from p.d.t group by d) where d = '2024-01-01'",
    "a window's key": "select * from (select d, sum(n) over (partition by d) as n from p.d.t) where d = '2024-01-01'",
    "an inner join": "select 1 from p.d.t join unnest([1]) as x on x = n where d = '2024-01-01'",
    "the join's condition": "select 1 from unnest([1]) as x left join p.d.t on x = n and d = '2024-01-01'",
    "a deletion": DAYS + "delete from p.d.t where d in unnest(days)",
    "a merge": DAYS + "merge p.d.t as t using (select 1 as n) on false "
    "when not matched by source and t.d in unnest(days) then delete when not matched then insert (n) values (n)",
}
NOT_PRUNED = {
    "a subquery": "select n from p.d.t where d = (select current_date())",
    "a list from a query": "select n from p.d.t where d in (select current_date())",
    "another column": "select n from p.d.t where d = date(ts)",
    "a computed column": "select n from p.d.t where date_add(d, interval n day) = '2024-01-01'",
    "one branch only": "select n from p.d.t where d = '2024-01-01' or n = 1",
    "a negation": "select n from p.d.t where not d = '2024-01-01'",
    "an aggregate": "select n from (select n, max(d) as d from p.d.t group by n) where d = '2024-01-01'",
    "a window": "select n from (select n, d, sum(n) over (order by n) as s from p.d.t) where d = '2024-01-01'",
    "a limit": "select n from (select * from p.d.t limit 5) where d = '2024-01-01'",
    "the optional side": "select 1 from unnest([1]) as x left join p.d.t on x = n where d = '2024-01-01'",
    "a full join": "select 1 from p.d.t full join unnest([1]) as x on x = n where d = '2024-01-01'",
    "a recursive query": "with recursive a as (select n, d from p.d.t union all select n + 1, d from a where n < 5) "
    "select n from a where d = '2024-01-01'",
    "an update from another": "update p.d.u as u set n = t.n from p.d.t as t where u.n = t.n and t.d = u.d",
    "a merge on a key": "merge p.d.t as t using (select 1 as n) as s on t.n = s.n when matched then delete",
}


@pytest.mark.parametrize("name", PRUNED)
def test_a_constant_condition_reaches_the_table(limited: Any, name: str) -> None:
    assert [columns for table, columns in limited(PRUNED[name]) if "d" in columns], PRUNED[name]


@pytest.mark.parametrize("name", NOT_PRUNED)
def test_no_other_condition_does(limited: Any, name: str) -> None:
    found = limited(NOT_PRUNED[name])
    assert found
    assert not [columns for _, columns in found if "d" in columns], NOT_PRUNED[name]


def test_views_are_read_through(limited: Any) -> None:
    union = (
        DAYS + "select n from p.d.v where day_of in unnest(days) union all select n from p.d.v where k = 'a' and n > 1"
    )
    assert limited(union) == [("t", ["ts"]), ("t", ["k", "n"])]


def test_every_read_counts(limited: Any) -> None:
    script = "insert into p.d.u (n) select n from p.d.t where d = '2024-01-01' and exists (select 1 from p.d.v)"
    assert limited(script) == [("t", ["d"]), ("t", [])]


def test_nothing_is_read_where_nothing_can_be_true(limited: Any) -> None:
    assert limited("select n from (select * from p.d.t where false) where d = '2024-01-01'") == []
    assert limited("merge p.d.t as t using p.d.v as v on false when not matched then insert (n) values (n)") == [
        ("t", []),  # the view's
    ]

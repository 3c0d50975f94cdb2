"""The integer macros against Python's integers, on both engines: DuckDB and Google's reference implementation.

Each macro is rendered by dbt for each target. Values lie inside, on and beyond the documented range of the macro: inside
it both engines must be exact, beyond it both must say NULL, and neither may raise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.warehouse.googlesql.analyzer import Analyzer
from tests.warehouse.googlesql.evaluator import Cell, evaluate
from tests.warehouse.small_project import compile_models, write_project

RAY, WAD, YEAR = 10**27, 10**18, 31_536_000
CEILING = 17 * 10**37
UINT256 = 2**256 - 1
NAMES = ("a", "b", "c", "d")

Row = tuple[int | None, ...]


@dataclass(frozen=True)
class Case:
    """A macro call over columns ``a`` to ``d``, what it must yield, and the largest value that each column is given."""

    call: str
    expected: Callable[..., int | None]
    limits: tuple[int, ...]
    negative: bool = False
    takes_null: bool = False
    """``expected`` says what NULL yields; else NULL yields NULL."""


def half_up(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)


def in_range(a: int, b: int) -> bool:
    return 0 <= a <= 17 * 10**31 and 0 <= b <= 17 * 10**28


def ray_mul(a: int, b: int) -> int | None:
    return half_up(a * b, RAY) if in_range(a, b) else None


def ray_div(a: int, b: int) -> int | None:
    return half_up(a * RAY, b) if b > 0 and in_range(a, b) and a // b < 10**11 else None


def percent_mul(value: int, bps: int) -> int | None:
    return half_up(value * bps, 10**4) if 0 <= value <= 10**33 and 0 <= bps <= 10**5 else None


def wad_div(a: int, b: int) -> int | None:
    limit = 17 * 10**19
    return (a * WAD + b // 2) // b if 0 <= a <= limit and 0 < b <= limit else None


def interest_in_range(rate: int, seconds: int) -> bool:
    return 0 <= rate <= 17 * 10**28 and 0 <= seconds <= 10**9


def linear_interest(rate: int, seconds: int) -> int | None:
    return RAY + rate * seconds // YEAR if interest_in_range(rate, seconds) else None


def compounded_interest(rate: int, seconds: int) -> int | None:
    """Aave V3's MathUtils.calculateCompoundedInterest, in its order of operations."""
    if not interest_in_range(rate, seconds):
        return None
    if seconds == 0:
        return RAY
    power_2 = half_up(rate * rate, RAY) // (YEAR * YEAR)
    power_3 = half_up(power_2 * rate, RAY) // YEAR
    second = seconds * (seconds - 1) * power_2 // 2
    third = seconds * (seconds - 1) * max(seconds - 2, 0) * power_3 // 6
    return RAY + rate * seconds // YEAR + second + third


def scaled_delta(sign: int, amount: int, index: int) -> int | None:
    size = ray_div(amount, index)
    return None if size is None else (1 if sign % 2 else -1) * size


def base_value(amount: int | None, price: int | None, unit: int | None) -> int | None:
    if amount == 0:
        return 0  # nothing is worth nothing, whatever the price
    if amount is None or price is None or not unit:
        return None
    return amount * price // unit if amount * price <= CEILING else None


COMPOUNDED = """case when a is not null then
    {{ aave_compounded_interest('a', 'rate_squared', 'rate_cubed', 'b') }} end"""
CASES = {
    "to_exact_int": Case("{{ to_exact_int('a_text') }}", lambda a: a if abs(a) <= CEILING else None, (UINT256,), True),
    "is_overflow": Case(
        "case when {{ is_overflow('a_text') }} then 1 else 0 end",
        lambda a: int(a is not None and abs(a) > CEILING),
        (UINT256,),
        negative=True,
        takes_null=True,
    ),
    "pow10": Case("{{ pow10('a') }}", lambda a: 10**a if 0 <= a <= 38 else None, (60,), True),
    "int_div": Case("{{ int_div('a', 'b') }}", lambda a, b: a // b if b else None, (CEILING, CEILING)),
    "int_to_text": Case("{{ int_to_text('a') }}", lambda a: a, (CEILING,), True),
    "ray_mul": Case("{{ ray_mul('a', 'b') }}", ray_mul, (CEILING, CEILING)),
    "ray_div": Case("{{ ray_div('a', 'b') }}", ray_div, (CEILING, CEILING)),
    "percent_mul": Case("{{ percent_mul('a', 'b') }}", percent_mul, (CEILING, CEILING)),
    "wad_div": Case("{{ wad_div('a', 'b') }}", wad_div, (CEILING, CEILING)),
    "aave_linear_interest": Case("{{ aave_linear_interest('a', 'b') }}", linear_interest, (CEILING, CEILING)),
    "aave_compounded_interest": Case(COMPOUNDED, compounded_interest, (CEILING, CEILING)),
    "aave_base_value": Case(
        "{{ aave_base_value('a', 'b', 'c') }}", base_value, (CEILING, CEILING, 10**38), takes_null=True
    ),
    "aave_scaled_delta": Case(
        "{{ aave_scaled_delta('case mod(a, 2) when 1 then 1 when 0 then -1 end', 'b', 'c') }}",
        scaled_delta,
        (10**6, CEILING, CEILING),
    ),
}

# Columns as a model would have them: exact integers of their own, and the steps of compounded interest one after another.
MODEL = """
with

cases as (

    select
        case_id,
        a_text,
        cast(a_text as {exact}) as a,
        cast(b_text as {exact}) as b,
        cast(c_text as {exact}) as c,
        cast(d_text as {exact}) as d
    from inputs

),

squared as (

    select *, {square} as rate_squared
    from cases

),

cubed as (

    select *, {cube} as rate_cubed
    from (select *, {power} as rate_power_2 from squared) as powers

)

select case_id, cast({call} as {{{{ dbt.type_string() }}}}) as result
from {relation}
"""


def model_sql(name: str, case: Case) -> str:
    exact = "{{ type_exact_int() }}"
    if name in ("to_exact_int", "is_overflow"):  # texts that need not fit the exact type
        return f"select case_id, cast({case.call} as {{{{ dbt.type_string() }}}}) as result from inputs"
    return MODEL.format(
        exact=exact,
        square="{{ ray_mul('a', 'a') }}",
        power="{{ aave_rate_power_2('rate_squared') }}",
        cube="{{ ray_mul('rate_power_2', 'a') }}",
        call=case.call,
        relation="cubed" if name == "aave_compounded_interest" else "cases",
    )


@dataclass(frozen=True)
class Engines:
    """The rendered SQL of every case for both engines, and both engines."""

    duckdb_sql: dict[str, str]
    google_sql: dict[str, str]
    connection: duckdb.DuckDBPyConnection
    analyzer: Analyzer

    def run(self, name: str, rows: Sequence[Row]) -> tuple[list[str | None], list[str | None]]:
        """Results of a case's rows, in order: DuckDB's and Google's."""
        texts: list[tuple[Cell, ...]] = []
        for number, row in enumerate(rows):
            cells = [None if value is None else str(value) for value in row]
            texts.append((number, *cells, *[None] * (len(NAMES) - len(row))))
        columns = {"case_id": "INT64", **{f"{column}_text": "STRING" for column in NAMES}}
        arrays = [pa.array(values, pa.string()) for values in list(zip(*texts, strict=True))[1:]]
        self.connection.register("inputs", pa.table([pa.array(range(len(rows))), *arrays], list(columns)))
        local = dict(self.connection.execute(self.duckdb_sql[name]).fetchall())
        google = dict(evaluate(self.analyzer, self.google_sql[name], "inputs", columns, texts))
        return [local[i] for i in range(len(rows))], [google[i] for i in range(len(rows))]


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Engines:
    models = {name: model_sql(name, case) for name, case in CASES.items()}
    project = write_project(tmp_path_factory.mktemp("integers") / "project", models)
    connection = duckdb.connect(config={"threads": 1})
    return Engines(
        compile_models(project, "duckdb"), compile_models(project, "bigquery_offline"), connection, Analyzer()
    )


# Where carries, ranges and rounding turn.
MARKS = sorted(
    {
        *(
            0,
            1,
            2,
            3,
            4999,
            5000,
            5001,
            YEAR - 1,
            YEAR,
            YEAR + 1,
            10**9,
            10**9 + 1,
            2**63 - 1,
            2**63,
            2**64,
            2**128 - 1,
        ),
        *(10**k + shift for k in range(0, 39, 3) for shift in (-1, 0, 1)),
        *(5 * 10**k + shift for k in (8, 17, 25, 26) for shift in (-1, 0, 1)),
        *(17 * 10**k + shift for k in (18, 19, 27, 28, 30, 31, 36) for shift in (-1, 0, 1)),
        *(CEILING - 1, CEILING, CEILING + 1, 2**127 - 1, 2**127, 2**255, UINT256),
    }
)


def values(limit: int, *, negative: bool) -> st.SearchStrategy[int | None]:
    """Integers of every magnitude up to a limit, with the marks, and NULL."""
    marks = st.sampled_from([mark for mark in MARKS if mark <= limit])
    # Uniform over the number of digits: a uniform integer would nearly always be huge.
    sized = st.integers(1, len(str(limit))).flatmap(lambda digits: st.integers(0, min(limit, 10**digits)))
    positive = st.one_of(marks, sized)
    signed = st.one_of(positive, positive.map(lambda value: -value)) if negative else positive
    return st.one_of(signed, signed, signed, signed, st.none())


@pytest.mark.parametrize("name", CASES)
def test_both_engines_agree_with_python(engines: Engines, name: str) -> None:
    case = CASES[name]
    columns = [values(limit, negative=case.negative) for limit in case.limits]

    # One query answers a list of cases.
    @settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(st.tuples(*columns), min_size=1, max_size=60))
    def agree(rows: list[Row]) -> None:
        check(engines, name, rows)

    agree()


@pytest.mark.parametrize("name", CASES)
def test_where_carries_ranges_and_rounding_turn(engines: Engines, name: str) -> None:
    """Every pair of marks (every mark, for one column)."""
    case = CASES[name]
    marks = [[mark for mark in MARKS if mark <= limit] for limit in case.limits]
    first = marks[0] + ([-mark for mark in marks[0]] if case.negative else [])
    if len(marks) == 1:
        rows: list[Row] = [(a,) for a in first]
    elif len(marks) == 2:
        rows = [(a, b) for a in first for b in marks[1]]
    else:
        rows = [(a, b, c) for a in first[::7] for b in marks[1][::3] for c in marks[2][::3]]
    check(engines, name, rows)


def check(engines: Engines, name: str, rows: Sequence[Row]) -> None:
    case = CASES[name]
    local, google = engines.run(name, rows)
    for row, on_duckdb, on_google in zip(rows, local, google, strict=True):
        expected = None if None in row and not case.takes_null else case.expected(*row)
        text = None if expected is None else str(expected)
        assert (on_duckdb, on_google) == (text, text), f"{name}{row}"

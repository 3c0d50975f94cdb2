"""The integer macros against Python's integers, on both engines: DuckDB and Google's reference implementation.

Each macro is rendered by dbt for each target. Values lie inside, on and beyond the documented range of the macro, on both
sides of zero: inside it both engines must be exact, beyond it both must say NULL, and neither may raise. Every macro of
the folders with integer arithmetic is either here or named with the reason why not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Context, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import ROOT
from tests.examples import examples
from tests.warehouse.both_engines import BothEngines
from tests.warehouse.integer_cases import CASES, CEILING, UINT256, YEAR, Case, Row

NAMES = ("a", "b", "c", "d")
SUM = "select case_id, {{ int_to_text('(select ' ~ sum_of_all('a') ~ ' from cases)') }} as result from cases"

# Folders and files whose macros compute with integers: one that arrives there is tested here, or named below.
FOLDERS = ("evm/*", "aave_v3/*", "cross_db/numbers", "market/swap_direction")
ELSEWHERE = {
    "hex_to_int": "hex digits: test_hex_digits_are_read",
    "to_human": "floats",
    **dict.fromkeys(
        ("float_to_decimal", "default__float_to_decimal", "bigquery__float_to_decimal"),
        "floats: test_floats_round_to_one_decimal",
    ),
    "safe_ratio": "floats",
    "aave_apy": "floats; test_aave_rates",
    "sum_of_all": "an aggregate: test_a_sum_is_exact_or_unknown",
    "aave_interest_factors": "CTEs of macros tested here; test_aave_rates",
    "aave_account_data": "CTEs of macros tested here; RL7 holds them against the contract",
    "aave_elapsed": "timestamps; A1 holds it against the chain",
    "aave_reconciled_functions": "names",
    "aave_modelled_reserve_values": "names",
    "zero_address": "a constant",
    "aave_last_supported_revision": "a constant",
    "aave_onward": "names",
    "rows_by_position": "a window",
    "holds_at": "a join condition",
    "holds_before": "a join condition",
    "same_point": "a join condition",
}

# Columns as a model would have them: exact integers of their own, and the steps of compounded interest one after another.
CASES_AS_INTEGERS = """
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

)
"""
MODEL = (
    CASES_AS_INTEGERS
    + """,

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
)


def model_sql(name: str, case: Case) -> str:
    exact = "{{ type_exact_int() }}"
    if name in (
        "to_exact_int",
        "is_overflow",
        "is_canonical_integer",
        "has_corrupt_integer",
    ):  # texts that need not fit the exact type
        return f"select case_id, cast({case.call} as {{{{ dbt.type_string() }}}}) as result from inputs"
    return MODEL.format(
        exact=exact,
        square="{{ ray_mul('a', 'a') }}",
        power="{{ aave_rate_power_2('rate_squared') }}",
        cube="{{ ray_mul('rate_power_2', 'a') }}",
        call=case.call,
        relation="cubed" if name == "aave_compounded_interest" else "cases",
    )


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> BothEngines:
    queries = {name: model_sql(name, case) for name, case in CASES.items()}
    queries["hex_to_int"] = "select case_id, {{ int_to_text(hex_to_int('a_text')) }} as result from inputs"
    queries["float_to_decimal"] = (
        "select case_id, cast({{ float_to_decimal('cast(a_text as ' ~ type_float64() ~ ')') }} as string) as result from inputs"
    )
    queries["sum_of_all"] = CASES_AS_INTEGERS.format(exact="{{ type_exact_int() }}") + SUM
    return BothEngines(tmp_path_factory.mktemp("integers"), queries, NAMES)


def test_every_integer_macro_is_here() -> None:
    files = [path for pattern in FOLDERS for path in sorted((ROOT / "macros").glob(f"{pattern}.sql"))]
    found = {name for path in files for name in re.findall(r"{%-?\s*macro\s+(\w+)", path.read_text(encoding="utf-8"))}
    tested = {*CASES, *(name for case in CASES.values() for name in case.proves)}
    assert not tested & ELSEWHERE.keys()
    assert found == tested | ELSEWHERE.keys(), "give a new macro a case, or name it with the reason why it needs none"


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
def test_both_engines_agree_with_python(engines: BothEngines, name: str) -> None:
    case = CASES[name]
    columns = [values(limit, negative=case.negative) for limit in case.limits]

    # One query answers a list of cases.
    @examples(12)
    @given(st.lists(st.tuples(*columns), min_size=1, max_size=60))
    def agree(rows: list[Row]) -> None:
        check(engines, name, rows)

    agree()


@pytest.mark.parametrize("name", CASES)
def test_where_carries_ranges_and_rounding_turn(engines: BothEngines, name: str) -> None:
    """Every pair of marks (every mark, for one column), and some below zero."""
    case = CASES[name]
    marks = [[mark for mark in MARKS if mark <= limit] for limit in case.limits]
    below = [-mark for mark in marks[0][:: 1 if len(marks) == 1 else 9]] if case.negative else []
    first = [*marks[0], *below]
    if len(marks) == 1:
        rows: list[Row] = [(a,) for a in first]
    elif len(marks) == 2:
        rows = [(a, b) for a in first for b in marks[1]]
        rows += [(a, -b) for a in first[::9] for b in marks[1][::9] if case.negative]
    elif len(marks) == 3:
        rows = [(a, b, c) for a in first[::7] for b in marks[1][::3] for c in marks[2][::3]]
    else:
        rows = [(a, b, b + shift, a - shift) for a in first[::5] for b in marks[1][::3] for shift in (-1, 0, 1)]
    check(engines, name, rows)


def check(engines: BothEngines, name: str, rows: Sequence[Row]) -> None:
    case = CASES[name]
    local, google = engines.run(name, rows)
    for row, *results in zip(rows, local, google, strict=True):
        expected = None if None in row and not case.takes_null else case.expected(*row)
        value = None if expected is None else case.read(str(expected))
        assert [None if r is None else case.read(r) for r in results] == [value, value], f"{name}{row}"


@examples(25)
@given(st.lists(values(CEILING, negative=True), min_size=1, max_size=60))
def test_a_sum_is_exact_or_unknown(engines: BothEngines, numbers: list[int | None]) -> None:
    """A sum of all but one is no sum, and one beyond the ceiling is unknown: no amounts stop a build."""
    known = [n for n in numbers if n is not None]
    total = str(sum(known)) if len(known) == len(numbers) else None
    local, google = engines.run("sum_of_all", [(n,) for n in numbers])
    assert local == google == [local[0]] * len(numbers)
    if abs(sum(known)) < CEILING - 10**30:
        assert local[0] == total
    else:
        assert local[0] in (None, total)


@examples(15)
@given(st.lists(st.tuples(*[st.integers(1, 10**19)] * 4, st.integers(-1, 1)), min_size=1, max_size=60))
def test_products_that_are_nearly_equal_are_told_apart(engines: BothEngines, factors: list[tuple[int, ...]]) -> None:
    """(pq)(rs) against (pr)(qs): the same number from other factors, and one beside it."""
    check(engines, "compare_products", [(p * q, r * s + shift, p * r, q * s) for p, q, r, s, shift in factors])


@examples(25)
@given(st.lists(st.text("0123456789abcdefABCDEF", min_size=1, max_size=15), min_size=1, max_size=60))
def test_hex_digits_are_read(engines: BothEngines, digits: list[str]) -> None:
    for results in engines.run("hex_to_int", [(d,) for d in digits]):
        assert results == [str(int(d, 16)) for d in digits]


@examples(25)
@given(st.lists(st.text("0123456789-+._e \nx", max_size=6), min_size=1, max_size=60))
def test_an_integer_has_one_form(engines: BothEngines, texts: list[str]) -> None:
    def is_canonical(text: str) -> bool:
        try:
            return str(int(text)) == text
        except ValueError:
            return False

    for results in engines.run("is_canonical_integer", [(text,) for text in texts]):
        assert results == [str(int(is_canonical(text))) for text in texts]


AMOUNTS = st.one_of(
    st.floats(-1e15, 1e15),
    # Ties, as near as floats come to them.
    st.integers(-(10**15), 10**15).map(lambda number: (number + 0.5) / 1e9),
)


def test_floats_round_to_one_decimal(engines: BothEngines) -> None:
    # One query answers a list of cases.
    @examples(12)
    @given(st.lists(AMOUNTS, min_size=1, max_size=200))
    def agree(amounts: list[float]) -> None:
        local, google = engines.run("float_to_decimal", [(repr(amount),) for amount in amounts])
        for amount, *results in zip(amounts, local, google, strict=True):
            nanos = Decimal(amount * 1e9).quantize(Decimal(1), ROUND_HALF_UP, Context(prec=60))
            assert [Decimal(result or "NaN") for result in results] == [nanos.scaleb(-9)] * 2, amount

    agree()

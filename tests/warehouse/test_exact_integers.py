"""The integer macros against Python's integers, on both engines: DuckDB and Google's reference implementation.

Each macro is rendered by dbt for each target. Values lie inside, on and beyond the documented range of the macro, on both
sides of zero: inside it both engines must be exact, beyond it both must say NULL, and neither may raise. Every macro of
the folders with integer arithmetic is either here or named with the reason why not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import ROOT
from tests.examples import examples
from tests.warehouse.both_engines import BothEngines

RAY, WAD, YEAR = 10**27, 10**18, 31_536_000
CEILING = 17 * 10**37
INT64_MAX = 2**63 - 1
UINT256 = 2**256 - 1
NAMES = ("a", "b", "c", "d")

Row = tuple[int | None, ...]


@dataclass(frozen=True)
class Case:
    """A macro call over columns ``a`` to ``d``, what it must yield, and the largest value that each column is given."""

    call: str
    expected: Callable[..., object]
    limits: tuple[int, ...]
    negative: bool = False
    takes_null: bool = False
    """``expected`` says what NULL yields; else NULL yields NULL."""
    proves: tuple[str, ...] = ()
    """Macros that the call is made of, besides the one that the case is named after."""
    read: Callable[[str], object] = str
    """What of a result's text is compared: for integers every character."""


def yes(expression: str) -> str:
    """A condition as 1, 0 or NULL."""
    return f"case when {expression} then 1 when not ({expression}) then 0 end"


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


def wad_mul_down(a: int, b: int) -> int | None:
    return a * b // WAD if 0 <= a <= 10**29 and 0 <= b <= 10**26 else None


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


def compare_products(a: int, b: int, c: int, d: int) -> int | None:
    difference = a * b - c * d
    return (difference > 0) - (difference < 0) if all(0 <= x <= CEILING for x in (a, b, c, d)) else None


def both_within(a: int | None, a_limit: int, b: int | None, b_limit: int) -> int | None:
    """1 when both lie between 0 and their limits; as in SQL, one that does not settles it, whatever the unknown other is."""
    answers = [None if n is None else int(0 <= n <= limit) for n, limit in ((a, a_limit), (b, b_limit))]
    return 0 if 0 in answers else None if None in answers else 1


def percent_div(value: int, bps: int) -> int | None:
    return (value * 10**4 + bps // 2) // bps if 0 <= value <= 10**33 and 0 < bps <= 10**5 else None


def base_to_usd(amount: int, unit: int) -> Decimal | None:
    """Dollars to nine decimals, half up."""
    if not (0 <= amount <= 10**26 and unit and amount // unit < 10**19):
        return None
    return Decimal(half_up(amount * 10**9, unit)).scaleb(-9)


def sells_token0(a: int | None, b: int | None) -> int:
    """What is bought has a negative net; without any, what paid the fee is sold, and an unknown amount is the other side's."""
    if a is not None and a < 0:
        return 0
    if b is not None and b < 0:
        return 1
    if a is None or b is None:
        return int(b is None)
    return int(a > 0 or b == 0)


COMPOUNDED = """case when a is not null then
    {{ aave_compounded_interest('a', 'rate_squared', 'rate_cubed', 'b') }} end"""
WORD = "case mod(a, 2) when 1 then 1 when 0 then -1 end"
CASES = {
    "to_exact_int": Case(
        "{{ to_exact_int('a_text') }}",
        lambda a: a if abs(a) <= CEILING else None,
        (UINT256,),
        negative=True,
        proves=("try_cast", "default__try_cast", "bigquery__try_cast", "exact_int"),
    ),
    "is_overflow": Case(
        "case when {{ is_overflow('a_text') }} then 1 else 0 end",
        lambda a: int(a is not None and abs(a) > CEILING),
        (UINT256,),
        negative=True,
        takes_null=True,
    ),
    "is_canonical_integer": Case(
        yes("{{ is_canonical_integer('a_text') }}"),
        lambda a: int(a is not None),
        (UINT256,),
        negative=True,
        takes_null=True,
    ),
    "has_corrupt_integer": Case(
        yes("{{ has_corrupt_integer('inputs', ['a_text', 'b_text']) }}"),
        lambda a, b: int(a is None or b is None),
        (UINT256, UINT256),
        negative=True,
        takes_null=True,
    ),
    "max_exact_int": Case(
        "{{ exact_int(max_exact_int()) }}", lambda _: CEILING, (1,), takes_null=True, proves=("exact_int",)
    ),
    "pow10": Case("{{ pow10('a') }}", lambda a: 10**a if 0 <= a <= 38 else None, (60,), negative=True),
    "int_div": Case(
        "{{ int_div('a', 'b') }}",
        lambda a, b: a // b if b else None,
        (CEILING, CEILING),
        proves=("default__int_div", "bigquery__int_div"),
    ),
    "int_to_text": Case("{{ int_to_text('a') }}", lambda a: a, (CEILING,), negative=True),
    "ray": Case("{{ ray() }}", lambda _: RAY, (1,), takes_null=True),
    "in_ray_range": Case(
        yes("{{ in_ray_range('a', 'b') }}"),
        lambda a, b: both_within(a, 17 * 10**31, b, 17 * 10**28),
        (CEILING, CEILING),
        negative=True,
        takes_null=True,
    ),
    "ray_mul": Case(
        "{{ ray_mul('a', 'b') }}",
        ray_mul,
        (CEILING, CEILING),
        negative=True,
        proves=("default__ray_mul", "bigquery__ray_mul"),
    ),
    "ray_div": Case(
        "{{ ray_div('a', 'b') }}",
        ray_div,
        (CEILING, CEILING),
        negative=True,
        proves=("default__ray_div", "bigquery__ray_div"),
    ),
    "percent_mul": Case("{{ percent_mul('a', 'b') }}", percent_mul, (CEILING, CEILING), negative=True),
    "percent_div": Case("{{ percent_div('a', 'b') }}", percent_div, (CEILING, CEILING), negative=True),
    "wad_div": Case("{{ wad_div('a', 'b') }}", wad_div, (CEILING, CEILING), negative=True),
    "wad_mul_down": Case("{{ wad_mul_down('a', 'b') }}", wad_mul_down, (CEILING, CEILING), negative=True),
    "aave_interest_in_range": Case(
        yes("{{ aave_interest_in_range('a', 'b') }}"),
        lambda a, b: both_within(a, 17 * 10**28, b, 10**9),
        (CEILING, CEILING),
        negative=True,
        takes_null=True,
    ),
    "aave_linear_interest": Case(
        "{{ aave_linear_interest('a', 'b') }}", linear_interest, (CEILING, CEILING), negative=True
    ),
    "aave_rate_power_2": Case("{{ aave_rate_power_2('a') }}", lambda a: a // (YEAR * YEAR), (CEILING,)),
    "aave_compounded_interest": Case(COMPOUNDED, compounded_interest, (CEILING, CEILING), negative=True),
    "aave_base_value": Case(
        "{{ aave_base_value('a', 'b', 'c') }}", base_value, (CEILING, CEILING, 10**38), takes_null=True
    ),
    "compare_products": Case(
        "{{ compare_products('a', 'b', 'c', 'd') }}",
        compare_products,
        (CEILING,) * 4,
        negative=True,
        proves=(
            "product_difference_head",
            "product_difference_sign",
            "product_difference_digit",
            "fold_digit",
            "limb_13",
        ),
    ),
    "truncated_quotient": Case(
        "{{ truncated_quotient('a', exact_int('1000000000000000000')) }}",
        lambda a: abs(a) // WAD * (1 if a > 0 else -1),
        (CEILING,),
        negative=True,
        proves=("default__truncated_quotient", "bigquery__truncated_quotient"),
    ),
    "aave_base_to_usd": Case(
        "{{ aave_base_to_usd('a', 'b') }}",
        base_to_usd,
        (10**27, 10**27),
        proves=("default__aave_base_to_usd", "bigquery__aave_base_to_usd"),
        read=Decimal,
    ),
    "aave_scaled_delta": Case(
        f"{{{{ aave_scaled_delta('{WORD}', 'b', 'c') }}}}", scaled_delta, (10**6, CEILING, CEILING)
    ),
    "aave_is_plausible": Case(
        yes("{{ aave_is_plausible('a', 'b') }}"),
        lambda a, b: both_within(a, 17 * 10**31, b, 17 * 10**31),
        (CEILING, CEILING),
        negative=True,
        takes_null=True,
    ),
    "log_position": Case(
        "{{ log_position('cast(a as ' ~ dbt.type_bigint() ~ ')', 'cast(b as ' ~ dbt.type_bigint() ~ ')') }}",
        lambda a, b: a * 10**6 + b,
        (9 * 10**12, 10**6 - 1),
    ),
    "sells_token0": Case(
        yes("{{ sells_token0('a', 'b') }}"), sells_token0, (CEILING, CEILING), negative=True, takes_null=True
    ),
}
SUM = "select case_id, {{ int_to_text('(select ' ~ sum_of_all('a') ~ ' from cases)') }} as result from cases"

# Folders and files whose macros compute with integers: one that arrives there is tested here, or named below.
FOLDERS = ("evm/*", "aave_v3/*", "cross_db/numbers", "market/swap_direction")
ELSEWHERE = {
    "hex_to_int": "hex digits: test_hex_digits_are_read",
    "to_human": "floats",
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
    "until_block": "a window",
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

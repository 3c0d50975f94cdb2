"""What the integer macros must yield, by Python's integers: a case per macro.

A case whose ``expected`` says None lies beyond the range that the macro documents.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

RAY, WAD, YEAR = 10**27, 10**18, 31_536_000
CEILING = 17 * 10**37
UINT256 = 2**256 - 1

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
    "bounded_sum": Case(
        "{{ bounded_sum('a', 'b') }}", lambda a, b: a + b if a + b <= CEILING else None, (CEILING, CEILING)
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

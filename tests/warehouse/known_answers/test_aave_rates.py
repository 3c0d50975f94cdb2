"""Rates, indexes and interest of Aave, as its contracts logged them and its own library computes from them."""

from __future__ import annotations

import csv
import gzip
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from loaders.load.request import LoadRequest
from loaders.load.run import load
from loaders.registry.seeds import load_registry
from tests.conftest import replayed_node
from tests.warehouse.both_engines import BothEngines
from tests.warehouse.known_answers.record import Recorder
from tests.warehouse.known_answers.reference import Recorded, Row, read_expected

STAGING = "stg_aave_v3__pool_reserve_data_updated"
MARTS = "lending_reserves_daily lending_positions lending_account_health"
MATH_UTILS = "Aave's @aave/math-utils"
NAMES = (
    "liquidity_rate_raw",
    "variable_borrow_rate_raw",
    "elapsed_s",
    "liquidity_index_raw",
    "variable_borrow_index_raw",
)
HOUR, DAY, YEAR = 3_600, 86_400, 31_536_000
RAY = 10**27
AAVE_V2 = "0x7d2768de32b0b80b7a3454c06bdac94a69ddc7a9"
RATES, INDEXES = ("liquidityRate", "variableBorrowRate"), ("liquidityIndex", "variableBorrowIndex")
LOGGED = ("liquidityRate", "stableBorrowRate", "variableBorrowRate", "liquidityIndex", "variableBorrowIndex")

# Both indexes after some seconds, by the macros that the models use; and the yearly yield of a yearly rate.
ACCRUED = """
with

inputs_as_integers as (

    select
        case_id,
        {columns}
    from inputs

),

{{{{ aave_interest_factors('inputs_as_integers') }}}}

select case_id, {{{{ int_to_text(ray_mul('{factor}', '{index}')) }}}} as result
from interest_factors
"""
YIELD = """
with

rates as (

    select case_id, cast(liquidity_rate_raw_text as {{ type_float64() }}) / 1e27 as apr
    from inputs

)

select case_id, cast({{ aave_apy('apr') }} as {{ dbt.type_string() }}) as result
from rates
"""


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> BothEngines:
    columns = ",\n        ".join(f"{{{{ to_exact_int('{name}_text') }}}} as {name}" for name in NAMES)
    queries = {
        "income": ACCRUED.format(columns=columns, factor="income_factor_raw", index="liquidity_index_raw"),
        "debt": ACCRUED.format(columns=columns, factor="debt_factor_raw", index="variable_borrow_index_raw"),
        "apy": YIELD,
    }
    return BothEngines(tmp_path_factory.mktemp("aave"), queries, NAMES)


@pytest.fixture(scope="module")
def rates(reference_data: Path) -> list[Row]:
    return read_expected(reference_data, "aave_reserve_rates")


def recorded_rates(
    rates: list[Row], recorded: Recorded, *, version_2: bool
) -> dict[tuple[str, int], tuple[object, ...]]:
    """By transaction and log: pool, reserve and the five numbers of each log that is in a recorded Ethereum block."""
    return {
        (row["tx_hash"], int(row["log_index"])): (row["pool"], row["reserve"], *(int(row[c]) for c in LOGGED))
        for row in rates
        if row["chain_id"] == "1"
        and int(row["block_number"]) in recorded.loadable
        and (row["pool"] == AAVE_V2) is version_2
    }


def test_logged_rates_and_indexes(
    ethereum: duckdb.DuckDBPyConnection, rates: list[Row], recorded: Recorded, known_answers: Recorder
) -> None:
    """All logs of the recorded blocks' Aave V3, none more."""
    found = ethereum.execute(
        "select tx_hash, log_index, pool_address, token_address, liquidity_rate_raw, stable_borrow_rate_raw, "
        f"variable_borrow_rate_raw, liquidity_index_raw, variable_borrow_index_raw from staging.{STAGING}"
    ).fetchall()
    expected = recorded_rates(rates, recorded, version_2=False)
    assert {(tx_hash, log_index): tuple(values) for tx_hash, log_index, *values in found} == expected
    known_answers.compared(
        "ReserveDataUpdated, decoded by others", "rates and indexes of Aave V3", STAGING, len(expected)
    )


def test_version_2_logs_the_same_event(
    rates: list[Row], recorded: Recorded, reference_data: Path, tmp_path: Path
) -> None:
    """Aave V2 is no protocol here, but its pools log the same event: with its pool registered, the loader reads it too."""
    expected = recorded_rates(rates, recorded, version_2=True)
    assert len(expected) == 4
    blocks = sorted({int(row["block_number"]) for row in rates if (row["tx_hash"], int(row["log_index"])) in expected})
    registry = load_registry()
    pool = next(c for c in registry.contracts if (c.chain_id, c.family, c.role) == (1, "aave_v3", "pool"))
    with_v2 = replace(registry, contracts=(replace(pool, address=AAVE_V2, start_block=0),))
    database = tmp_path / "aave_v2.duckdb"
    with replayed_node(reference_data, 1) as url:
        load(
            LoadRequest("ethereum", url, database, blocks=tuple((b, b) for b in blocks), with_facts=False),
            registry=with_v2,
        )
    with duckdb.connect(str(database), read_only=True) as connection:
        found = connection.execute(
            "select tx_hash, log_index, contract_address, reserve, liquidity_rate, stable_borrow_rate, variable_borrow_rate, "
            "liquidity_index, variable_borrow_index from raw.aave_v3__pool_reserve_data_updated"
        ).fetchall()
    by_log = {
        (tx_hash, log_index): (pool, asset, *map(int, numbers)) for tx_hash, log_index, pool, asset, *numbers in found
    }
    assert expected.items() <= by_log.items()


def on_both(engines: BothEngines, query: str, rows: Sequence[tuple[int, ...]]) -> list[str]:
    local, google = engines.run(query, rows)
    assert local == google, "both engines agree to the digit"
    assert None not in local
    return [str(value) for value in local]


def test_income_and_debt_after_an_hour_and_a_day(
    engines: BothEngines, rates: list[Row], known_answers: Recorder
) -> None:
    """The library is not the contract: it rounds time to a fraction of a year, and a rate to whole units per second.

    Both are its own (and Aave V2's) formulas, reproduced here to the digit, so that nothing else differs. Beside them
    income differs by two units of 1e-27 at most, and debt by 2e-13 of itself. What contracts of V3 answer is compared
    exactly elsewhere: on the devnet (RL3, RL4) and below.
    """
    for seconds, suffix in ((HOUR, "1h"), (DAY, "1d")):
        rows = [(*(int(row[c]) for c in RATES), seconds, *(int(row[c]) for c in INDEXES)) for row in rates]
        income, debt = on_both(engines, "income", rows), on_both(engines, "debt", rows)
        for i, (row, (rate, debt_rate, _, index, debt_index)) in enumerate(zip(rates, rows, strict=True)):
            income_there = int(row[f"normalizedIncome_plus_{suffix}"])
            debt_there = int(row[f"normalizedVariableDebt_plus_{suffix}"])
            assert income_there == ray_mul(RAY + ray_mul(rate, (seconds * RAY + YEAR // 2) // YEAR), index)
            assert debt_there == ray_mul(compounded_per_second(debt_rate // YEAR, seconds), debt_index)
            assert abs(int(income[i]) - income_there) <= 2
            assert abs(int(debt[i]) - debt_there) * 10**13 <= 2 * debt_there
    known_answers.compared(
        MATH_UTILS, "income (to 2e-27) and debt (to 2e-13) an hour and a day ahead", MARTS, 4 * len(rates)
    )


def ray_mul(a: int, b: int) -> int:
    return (a * b + RAY // 2) // RAY


def compounded_per_second(rate: int, seconds: int) -> int:
    """Three terms of the binomial expansion, of a rate per second."""
    squared = ray_mul(rate, rate)
    cubed = ray_mul(squared, rate)
    pairs = seconds * (seconds - 1)
    return RAY + rate * seconds + pairs * squared // 2 + pairs * (seconds - 2) * cubed // 6


def test_yearly_yields(engines: BothEngines, rates: list[Row], known_answers: Recorder) -> None:
    """APR is exact to the float; APY to 1e-14, however small the rate: the library keeps 19 decimals."""
    compared = 0
    for rate, prefix in (("liquidityRate", "supply"), ("variableBorrowRate", "variableBorrow")):
        local, google = engines.run("apy", [(int(row[rate]),) for row in rates])
        for on_duckdb, on_google, row in zip(local, google, rates, strict=True):
            expected = float(row[f"{prefix}APY"])
            assert float(on_duckdb or "nan") == pytest.approx(expected, rel=1e-14, abs=1e-19)
            assert float(on_google or "nan") == pytest.approx(expected, rel=1e-14, abs=1e-19)
            assert int(row[rate]) / RAY == pytest.approx(float(row[f"{prefix}APR"]), rel=1e-15, abs=1e-20)
            compared += 1
    known_answers.compared(MATH_UTILS, "yearly yields, to 1e-14", "lending_reserves_daily", compared)


def test_index_steps_of_a_contract(engines: BothEngines, reference_data: Path, known_answers: Recorder) -> None:
    """Minute by minute, what Polygon's contract stored for WETH: each debt index follows from the one before, exactly.

    The seconds between two updates are not recorded. The income index tells them: it is linear in time, so that at most
    one whole number of seconds gives it to the digit. Where none does, there were several updates in the minute.
    """
    states = list(minute_states(reference_data))
    assert len(states) == 4 * 24 * 60
    changes = [(a, b) for a, b in itertools.pairwise(states) if a != b]
    rows, expected = [], []
    for (rate, debt_rate, index, debt_index), after in changes:
        seconds = round(Decimal((after[2] - index) * YEAR * RAY) / Decimal(rate * index))
        rows.append((rate, debt_rate, seconds, index, debt_index))
        expected.append((str(after[2]), str(after[3])))
    income, debt = on_both(engines, "income", rows), on_both(engines, "debt", rows)
    single = [i for i, (index, _) in enumerate(expected) if income[i] == index]
    assert len(single) > 1_000
    assert [debt[i] for i in single] == [expected[i][1] for i in single]
    known_answers.compared("Aave V3's contract on Polygon (demeter)", "debt indexes of WETH", MARTS, len(single))


def minute_states(reference_data: Path) -> Iterable[tuple[int, int, int, int]]:
    """Both rates and both indexes in RAY, at the end of each minute of four days."""
    columns = ("liquidity_rate", "variable_borrow_rate", "liquidity_index", "variable_borrow_index")
    for path in sorted((reference_data / "expected" / "demeter").glob("polygon-aave_v3-weth-*.csv.gz")):
        with gzip.open(path, "rt") as file:
            for row in csv.DictReader(file):
                rate, debt_rate, index, debt_index = (int(Decimal(row[c]).scaleb(27)) for c in columns)
                yield rate, debt_rate, index, debt_index

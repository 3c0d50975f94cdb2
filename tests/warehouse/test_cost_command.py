"""`poolhouse cost`, as a user runs it: on the sizes of a small warehouse, whose figures follow from BigQuery's minimum alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.conftest import Run
from tests.warehouse.small_warehouse import SmallWarehouse

MINIMUM = 10 * 2**20
A_TIB = 2**40


@pytest.fixture(scope="module")
def estimated(poolhouse: Run, small_warehouse: SmallWarehouse) -> dict[str, Any]:
    """All that the command offers, at once: each kind of run is a minute of dbt."""
    done = poolhouse(
        *("cost", "--chain", "base", "--chain", "ethereum", "--every", "hour", "--history", "1d"),
        *("--audit", "--full-refresh", "--usd-per-tib", "10", "--json"),
        *("--database", str(small_warehouse.database)),
    )
    return dict(json.loads(done.stdout))


def test_what_was_asked_for_is_estimated(estimated: dict[str, Any]) -> None:
    assert estimated["assumed"] == {
        "chains": ["base", "ethereum"],
        "history_days": 1,
        "usd_per_tib": 10.0,
        "without_size": [],
    }
    assert list(estimated["runs"]) == ["hourly run", "daily run with audit", "full refresh"]


def test_what_is_smaller_than_the_minimum_is_billed_the_minimum(estimated: dict[str, Any]) -> None:
    for name, run in estimated["runs"].items():
        assert run["minimum_bytes"] % MINIMUM == 0, name
        assert run["billed_bytes"] == run["minimum_bytes"] > 100 * MINIMUM, name
        assert run["standing_bytes"] == 0, name
        assert run["standing_bytes_by_table"] == {}, name
        assert 0 < run["scanned_bytes"] < run["billed_bytes"], name
        assert run["usd"] == pytest.approx(10 * run["billed_bytes"] / A_TIB, abs=1e-4), name
        assert not any(model["grows"] for model in run["models"]), name


def test_a_run_is_the_sum_of_its_models(estimated: dict[str, Any]) -> None:
    for name, run in estimated["runs"].items():
        billed = [model[part]["billed_bytes"] for model in run["models"] for part in ("build", "tests")]
        assert sum(billed) == run["billed_bytes"], name


def test_kinds_of_runs_build_and_test_what_they_say(estimated: dict[str, Any]) -> None:
    def billed(run: str, model: str, part: str) -> int:
        found = [m for m in estimated["runs"][run]["models"] if m["name"] == model]
        return int(found[0][part]["billed_bytes"]) if found else 0

    check = "int_quality_dex_v2_invariant"
    for part in ("build", "tests"):
        assert billed("hourly run", check, part) == 0  # it stands until an audit
        assert billed("daily run with audit", check, part) > 0
    assert billed("full refresh", check, "build") > 0
    assert all(model["tests"]["billed_bytes"] == 0 for model in estimated["runs"]["full refresh"]["models"])
    for run in estimated["runs"]:
        assert billed(run, "dex_trades", "build") > 0


def test_bad_input_is_refused_before_dbt_runs(poolhouse: Run, tmp_path: Path) -> None:
    def refusal(*arguments: str) -> str:
        done = poolhouse("cost", *arguments, check=False)
        assert done.returncode != 0
        assert "Traceback" not in done.stderr
        return " ".join(done.stderr.split())

    assert "Nothing is assumed of the size of atlantis. Name one of arbitrum" in refusal("--chain", "atlantis")
    assert "--history 3w is no length of time. Give days or years" in refusal("--history", "3w")
    assert "Invalid value for '--database'" in refusal("--database", str(tmp_path / "absent.duckdb"))
    (tmp_path / "notes.txt").write_text("no warehouse")
    assert "Name a DuckDB warehouse that no other process writes to." in refusal(
        "--database", str(tmp_path / "notes.txt")
    )
    with duckdb.connect(str(tmp_path / "empty.duckdb")):
        pass
    assert "empty.duckdb holds no loaded day. Load into it first" in refusal(
        "--database", str(tmp_path / "empty.duckdb")
    )

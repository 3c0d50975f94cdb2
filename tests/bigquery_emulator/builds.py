"""dbt on either engine, as a user runs it, and what it then built, value by value."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.bigquery_emulator.emulator import ROOT, Emulator

Row = tuple[object, ...]
Rows = list[Row]


@dataclass(frozen=True)
class Dbt:
    """dbt with one target; ``scratch`` is where it leaves its files."""

    target: str
    variables: Mapping[str, str]
    scratch: Path

    def build(self, *selection: str) -> list[dict[str, Any]]:
        """The results of the nodes, all of them good."""
        command = [
            *(
                str(Path(sys.executable).with_name("dbt")),
                "build",
                "--target",
                self.target,
                "--threads",
                "2",
                *selection,
            ),
            *("--target-path", str(self.scratch), "--log-path", str(self.scratch)),
        ]
        done = subprocess.run(
            command,
            cwd=ROOT,
            check=False,
            capture_output=True,
            text=True,
            timeout=900,
            env={**os.environ, **self.variables},
        )
        if done.returncode:
            pytest.fail(f"dbt build --target {self.target} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        results: list[dict[str, Any]] = json.loads((self.scratch / "run_results.json").read_text())["results"]
        return results

    @cached_property
    def nodes(self) -> dict[str, dict[str, Any]]:
        """Of its manifest, by unique id."""
        nodes: dict[str, dict[str, Any]] = json.loads((self.scratch / "manifest.json").read_text())["nodes"]
        return nodes


def emulated_rows(emulator: Emulator, relation: str, columns: Sequence[str]) -> Rows:
    rows = emulator.client.list_rows(emulator.client.get_table(relation))
    return [tuple(_alike(row[column]) for column in columns) for row in rows]


def duckdb_rows(database: Path, relation: str, columns: Sequence[str]) -> Rows:
    with duckdb.connect(str(database), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        rows = connection.execute(f"select {', '.join(columns)} from {relation}").fetchall()
    return [tuple(map(_alike, row)) for row in rows]


def first_difference(theirs: Rows, ours: Rows, types: Sequence[str]) -> str:
    """The first rows that differ, whatever their order; empty where none do. ``types`` are BigQuery's of the columns.

    Floats, and what was rounded from them, may differ in their last digits; everything else is the same.
    """
    if len(theirs) != len(ours):
        return f"{len(theirs)} rows instead of {len(ours)}"
    exact = [i for i, name in enumerate(types) if name not in ("FLOAT", "NUMERIC")]

    def order(row: Row) -> tuple[str, ...]:
        return tuple(repr(row[i]) for i in exact)

    for their, our in zip(sorted(theirs, key=order), sorted(ours, key=order), strict=True):
        if order(their) != order(our) or not all(map(_is_close, their, our)):
            return f"{their} instead of {our}"
    return ""


def _is_close(their: object, our: object) -> bool:
    if their == our:
        return True
    if isinstance(their, (int, float, Decimal)) and isinstance(our, (int, float, Decimal)):
        return math.isclose(float(their), float(our), rel_tol=1e-9, abs_tol=1e-9)
    return False


def _alike(value: Any) -> object:
    """One form for what both engines' clients give in different ones."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else value.normalize()
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    if isinstance(value, list):
        return tuple(_alike(item) for item in value)
    if isinstance(value, dict):
        return tuple((key, _alike(item)) for key, item in value.items())
    return value

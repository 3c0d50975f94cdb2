"""A small dbt project with the real macros and profile, for tests that need their own models."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

ROOT = Path(__file__).resolve().parents[2]
_DATABASE = "small.duckdb"


def write_project(folder: Path, models: Mapping[str, str], properties: Mapping[str, object] | None = None) -> Path:
    """Write the project: one file per model, and the properties of all of them."""
    settings = yaml.safe_load((ROOT / "dbt_project.yml").read_text())
    kept = ("name", "version", "config-version", "profile", "flags")
    (folder / "models").mkdir(parents=True)
    (folder / "dbt_project.yml").write_text(yaml.safe_dump({key: settings[key] for key in kept}))
    shutil.copy(ROOT / "profiles.yml", folder)
    shutil.copytree(ROOT / "macros", folder / "macros")
    for name, sql in models.items():
        (folder / "models" / f"{name}.sql").write_text(sql)
    if properties:
        (folder / "models" / "properties.yml").write_text(yaml.safe_dump(dict(properties)))
    return folder


def compile_models(project: Path, target: str) -> dict[str, str]:
    """The SQL that dbt renders for a target, by model."""
    results = _dbt(project, target, "compile", "--no-populate-cache", "--no-introspect")
    return {result.node.name: result.node.compiled_code for result in results.results}


def run_models(project: Path) -> Path:
    """Build the models into a DuckDB file of the project's."""
    _dbt(project, "duckdb", "run")
    DuckDBConnectionManager.close_all_connections()  # dbt would keep the file for itself
    return project / _DATABASE


def _dbt(project: Path, target: str, command: str, *options: str) -> Any:
    scratch = project / f"target_{target}"
    os.environ["POOLHOUSE_DUCKDB"] = str(project / _DATABASE)
    done = dbtRunner().invoke(
        [
            *("--quiet", "--log-level", "none", command, "--target", target, "--threads", "1", *options),
            *("--project-dir", str(project), "--profiles-dir", str(project)),
            *("--target-path", str(scratch), "--log-path", str(scratch)),
        ]
    )
    if not done.success:
        raise AssertionError(f"dbt {command} failed: {done.exception or done.result}")
    return done.result

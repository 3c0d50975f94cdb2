"""What dbt runs on BigQuery for each model and data test, in both branches of incremental models."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from loaders.bigquery_cost.recorder import PROJECT, parse_project, record
from loaders.build import loaded_raw_families
from tests.warehouse.googlesql.script import Declaration, parse_declaration, split_statements

# By default BigQuery tests what changed and audits when asked.
_ALL_HISTORY = "{test_scope: all, audit: true}"
_CREATE = re.compile(
    r"create (?:or replace )?(?:temp )?table\s+(?P<name>\S+)\s.*?\bas\s*\((?P<query>.*)\)", re.IGNORECASE | re.DOTALL
)
_MERGE = re.compile(
    r"merge into\s+(?P<target>\S+)\s+as DBT_INTERNAL_DEST\s+"
    r"using \((?P<source>.*)\) as DBT_INTERNAL_SOURCE\s+on \(?false\)?\s+"
    r"(?:when not matched by source\s+and (?P<replaced>.*?)\s+then delete\s+)?"
    r"when not matched then insert\b.*",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Replacement:
    """An incremental build: the rows of ``source`` take the place of those rows of ``target`` that ``replaced`` holds for."""

    declarations: tuple[Declaration, ...]
    """Script variables, in order."""
    target: str
    """The table, as SQL names it."""
    source: str
    """A query."""
    replaced: str
    """A condition on the table as ``DBT_INTERNAL_DEST``."""

    @property
    def texts(self) -> list[str]:
        """All of it, to see what it reads."""
        return [*(d.default or "" for d in self.declarations), self.target, self.source, self.replaced]


@dataclass(frozen=True, slots=True)
class Model:
    name: str
    relation: str
    """``schema.name``."""
    query: str
    """Of a full build."""
    key: tuple[str, ...]
    """Columns of its test ``is_key``; none if it has no such test."""
    replacement: Replacement | None
    """Of an incremental build, where the model has one."""


@dataclass(frozen=True, slots=True)
class DataTest:
    id: str
    name: str
    query: str


@dataclass(frozen=True, slots=True)
class Statements:
    models: tuple[Model, ...]
    tests: tuple[DataTest, ...]

    def only(self, models: Collection[str]) -> Statements:
        """Those of the models called so."""
        return Statements(tuple(model for model in self.models if model.name in models), ())


def read_statements(database: Path, project: Path = PROJECT) -> Statements:
    """Let dbt render the project for BigQuery, for the families that a DuckDB warehouse has loaded.

    Raises :class:`PoolhouseError` when it fails.
    """
    with patch.dict(os.environ, {"POOLHOUSE_RAW_FAMILIES": ",".join(loaded_raw_families(database))}):
        return _rendered(project)


def _rendered(project: Path) -> Statements:
    manifest = parse_project(project)
    record(manifest, ["compile", "--vars", _ALL_HISTORY], is_built=False, project=project)
    queries = {key: node.compiled_code for key, node in manifest.nodes.items()}
    scripts = _scripts_of_incremental_builds(manifest, project)
    keys = _keys(manifest)
    nodes = manifest.nodes.values()
    models = tuple(
        Model(
            node.name,
            f"{node.schema}.{node.alias}",
            queries[node.unique_id],
            keys.get(node.unique_id, ()),
            _replacement(node.name, scripts[node.unique_id]) if node.config.materialized == "incremental" else None,
        )
        for node in nodes
        if str(node.resource_type) == "model"
    )
    tests = tuple(
        DataTest(node.unique_id, node.name, queries[node.unique_id])
        for node in nodes
        if str(node.resource_type) == "test"
    )
    return Statements(models, tests)


def _scripts_of_incremental_builds(manifest: Any, project: Path) -> dict[str, list[str]]:
    """What dbt sends for each incremental model whose table is there, by ``unique_id``."""
    scripts: dict[str, list[str]] = {}
    # dbt makes it an error to select nothing.
    if any(node.config.materialized == "incremental" for node in manifest.nodes.values()):
        command = ["run", "--select", "config.materialized:incremental"]
        for job in record(manifest, command, is_built=True, project=project).jobs:
            scripts.setdefault(job.node, []).append(job.sql)
    return scripts


def _keys(manifest: Any) -> Mapping[str, tuple[str, ...]]:
    """Key columns by model."""
    found = {}
    for node in manifest.nodes.values():
        generic = getattr(node, "test_metadata", None)
        if generic is not None and generic.name == "is_key":
            found[node.attached_node] = tuple(generic.kwargs["columns"])
    return found


def _replacement(model: str, scripts: list[str]) -> Replacement:
    """What the model's scripts do. Raises :class:`ValueError` where that is something else than a replacement."""
    created: dict[str, str] = {}
    for script in scripts:
        declarations = []
        for statement in split_statements(script):
            declaration, create = parse_declaration(statement), _CREATE.fullmatch(statement)
            if declaration is not None:
                declarations.append(declaration)
            elif create is not None:
                # A table for the time of the build: what is read from it is read from its query.
                created[create["name"]] = f"({create['query']})"
            elif merge := _MERGE.fullmatch(statement):
                source = merge["source"]
                for name, query in created.items():
                    source = source.replace(name, query)
                return Replacement(tuple(declarations), merge["target"], source, merge["replaced"] or "false")
    raise ValueError(f"{model}: its incremental build has no MERGE that {__name__} understands")

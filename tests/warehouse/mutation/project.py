"""dbt's manifest as a graph of relations and tests, each with the SQL that the build ran."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from loaders.registry.events import EventSpec, load_events
from loaders.registry.families import load_families
from loaders.registry.tables import SOURCE
from loaders.trust.catalogue import load_checks

_CHANGE_LOGS = ("int_ledger_changes", "int_dimension_changes")
"""Models read them to know what to rebuild, never for what they contain: nothing of an event reaches a mart through them."""


@dataclass(frozen=True, slots=True)
class Node:
    """A source, seed, model or test."""

    id: str
    name: str
    kind: str
    """``source``, ``seed``, ``table``, ``view`` or ``test``; an incremental model is a table, as on its first build."""
    layer: str
    """First folder of a model below ``models``: staging, intermediate or marts; empty for other nodes."""
    relation: str
    sql: str
    parents: tuple[str, ...]

    @property
    def is_about_quality(self) -> bool:
        return ".quality." in self.relation


@dataclass(frozen=True)
class Project:
    nodes: Mapping[str, Node]
    """Parents before children."""

    @classmethod
    def read(cls, manifest: Path) -> Project:
        content = json.loads(manifest.read_text())
        found = {key: _node(value) for key, value in {**content["sources"], **content["nodes"]}.items()}
        return cls({key: found[key] for key in _parents_first(found)})

    @cached_property
    def children(self) -> dict[str, list[str]]:
        children: dict[str, list[str]] = {key: [] for key in self.nodes}
        for node in self.nodes.values():
            for parent in node.parents:
                children[parent].append(node.id)
        return children

    def descendants(self, roots: Iterable[str]) -> set[str]:
        """Everything that reads the roots, directly or not; the roots are not among it."""
        found: set[str] = set()
        waiting = list(roots)
        while waiting:
            new = [child for child in self.children[waiting.pop()] if child not in found]
            found.update(new)
            waiting += new
        return found

    def ancestors(self, key: str, without: Collection[str] = ()) -> set[str]:
        """Everything that a node reads, directly or not, save through the nodes left out."""
        found: set[str] = set()
        waiting = [key]
        while waiting:
            new = [p for p in self.nodes[waiting.pop()].parents if p not in found and p not in without]
            found.update(new)
            waiting += new
        return found

    def readers(self, event: EventSpec) -> list[str]:
        """Models that read the event from its staging model; of a table that several events share, those that name it.

        Staging models that look at every log alike are no readers: they count rows, they do not understand them.
        """
        sources = [n.id for n in self.nodes.values() if n.kind == "source" and n.name == event.table]
        staged = [
            child
            for source in sources
            for child in self.children[source]
            if self.nodes[child].layer == "staging" and f"stg_{SOURCE}__" not in child
        ]
        models = [c for stage in staged for c in self.children[stage] if self.nodes[c].kind in ("table", "view")]
        return [m for m in models if not event.is_shared or f"'{event.event}'" in self.nodes[m].sql]

    def marts(self, models: Iterable[str]) -> list[str]:
        """Names of the marts among the models and what reads them, those about data quality left out."""
        below = {*models, *self.descendants(models)}
        return sorted(n.name for k in below if (n := self.nodes[k]).layer == "marts" and not n.is_about_quality)

    @cached_property
    def tests(self) -> list[Node]:
        """The named checks in the order of their catalogue, then all other tests by name."""
        rank = {check.dbt_test: number for number, check in enumerate(load_checks())}
        tests = (node for node in self.nodes.values() if node.kind == "test")
        return sorted(tests, key=lambda test: (rank.get(test.name, len(rank)), test.name))


def kinds_of_event() -> list[EventSpec]:
    """Every event of the families that models read."""
    return [event for event in load_events().events if load_families()[event.family].is_modelled]


def name_of(event: EventSpec) -> str:
    return f"{event.family}.{event.role}.{event.event}"


def _node(value: Mapping[str, Any]) -> Node:
    kind = str(value["resource_type"])
    layer = ""
    if kind == "model":
        materialized = str(value["config"]["materialized"])
        kind = "view" if materialized == "view" else "table"
        layer = str(value["fqn"][1])
    relation = str(value.get("relation_name") or "").replace('"', "")
    parents = tuple(p for p in value.get("depends_on", {}).get("nodes", ()) if p.split(".")[-1] not in _CHANGE_LOGS)
    return Node(
        str(value["unique_id"]), str(value["name"]), kind, layer, relation, value.get("compiled_code") or "", parents
    )


def _parents_first(nodes: Mapping[str, Node]) -> list[str]:
    ordered: dict[str, None] = {}

    def visit(key: str) -> None:
        if key not in ordered:
            for parent in nodes[key].parents:
                visit(parent)
            ordered[key] = None

    for key in nodes:
        visit(key)
    return list(ordered)

"""A table or a view of the offline warehouse."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from tests.warehouse.googlesql.analyzer import Columns
from tests.warehouse.googlesql.tree import kind_of, walk


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or a view: BigQuery's ``TABLE`` or ``VIEW``, and its columns."""

    type: str
    columns: Columns
    partition: str = ""
    """The column it is partitioned by; empty if it is not."""
    view: View | None = None


@dataclass(frozen=True, slots=True)
class View:
    """What a view is made of."""

    tree: Any
    """Its resolved statement."""
    length: int
    """Bytes of what created it."""
    reads: Counter[str]
    """How often it reads each table and view."""


def direct_reads(tree: Any) -> Counter[str]:
    """How often a resolved statement reads each table and view."""
    return Counter(node.table.full_name for node in walk(tree) if kind_of(node) == "TableScan")

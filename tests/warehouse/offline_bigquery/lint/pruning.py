"""Incremental builds read and change the days they need: https://cloud.google.com/bigquery/docs/querying-partitioned-tables."""

from __future__ import annotations

from collections.abc import Iterator

from tests.warehouse.googlesql.scans import scans
from tests.warehouse.offline_bigquery.lint.sent import Sent


def unpruned_read(sent: Sent) -> Iterator[str]:
    """Every table by day that an incremental build reads or changes is limited by constants. Tables by month are dimensions:
    facts join them whole, and only tests of them read a month."""
    if not sent.is_incremental:
        return
    for table in sorted(
        {scan.table for scan in scans(sent.tree, sent.view) if _is_unpruned(sent, scan.table, scan.limited)}
    ):
        column = sent.relations[table].partition
        yield (
            f"{table} is read whole: nothing constant limits {column}, by which it is partitioned. Compare {column} with "
            "literals or a script variable (a subquery or another table's column does not prune)"
        )


def _is_unpruned(sent: Sent, table: str, limited: frozenset[str]) -> bool:
    relation = sent.relations.get(table)
    if relation is None or not relation.partition or table in sent.made_now:
        return False
    return relation.partition.lower() not in {column.lower() for column in limited}

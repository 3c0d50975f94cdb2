"""Renew the table: ``python -m tests.warehouse.mutation --write``.

Without ``--write`` it only says what would go unnoticed. A warehouse is built for it, or an earlier one is named.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.warehouse.mutation.logs import MUTATIONS
from tests.warehouse.mutation.project import Project, kinds_of_event, name_of
from tests.warehouse.mutation.rebuild import Rebuild
from tests.warehouse.mutation.table import PAGE, SEED, page_text, row_of, seed_text
from tests.warehouse.mutation.verdict import judge
from tests.warehouse.small_warehouse import SmallWarehouse, warehouse_at


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.warehouse.mutation", description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"renew {SEED.name} and {PAGE.name}")
    parser.add_argument("--warehouse", type=Path, help="folder of a small warehouse that was built earlier")
    parser.add_argument("--only", default="", help="only events whose name contains this; cannot be written")
    arguments = parser.parse_args()
    if arguments.write and arguments.only:
        parser.error("a part of the table cannot be written")
    with warehouse_at(arguments.warehouse) as warehouse:
        return judge_all(warehouse, arguments.only, arguments.write)


def judge_all(warehouse: SmallWarehouse, only: str, write: bool) -> int:
    """Mutate every kind of event; the number of mutations that go unnoticed without a reason."""
    project = Project.read(warehouse.manifest)
    rebuild = Rebuild(warehouse.database, project)
    if failing := rebuild.failing_tests():
        raise SystemExit(f"the warehouse is not green: {failing}")
    rows, unexplained = [], 0
    for event in kinds_of_event():
        for mutation in MUTATIONS if only in name_of(event) else ():
            verdict = judge(rebuild, event, mutation)
            row = row_of(verdict, project, event)
            rows.append(row)
            print(row.event, mutation, verdict.fate, *verdict.tests, verdict.detail, row.reason, flush=True)
            unexplained += not row.is_caught and not row.reason
    if write and not unexplained:
        SEED.write_text(seed_text(rows), encoding="utf-8")
        PAGE.write_text(page_text(rows, PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"{sum(row.is_caught for row in rows)} of {len(rows)} caught, {unexplained} unnoticed without a reason")
    return unexplained


if __name__ == "__main__":
    sys.exit(bool(main()))

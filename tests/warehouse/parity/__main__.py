"""``python -m tests.warehouse.parity``: compare the engines on a small market, which is built for it, or was earlier."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.warehouse.parity.check import check_parity
from tests.warehouse.parity.statements import read_statements
from tests.warehouse.small_warehouse import warehouse_at


def main() -> int:
    """Print where the engines differ; 1 if they do."""
    parser = argparse.ArgumentParser(prog="python -m tests.warehouse.parity", description=__doc__)
    parser.add_argument("--warehouse", type=Path, help="folder of a small warehouse that was built earlier")
    with warehouse_at(parser.parse_args().warehouse) as warehouse:
        report = check_parity(warehouse.database, read_statements(warehouse.database))
    for problem in report.problems:
        print(problem)
    print(report.summary())
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main())

"""``python -m tests.warehouse.offline_bigquery``: check the project as it stands; options go to dbt."""

import sys
import tempfile
from pathlib import Path

from tests.warehouse.offline_bigquery.check import check_project


def main() -> int:
    """Print what BigQuery would refuse; 1 if there is anything."""
    with tempfile.TemporaryDirectory() as scratch:
        report = check_project(Path(scratch), dbt_options=sys.argv[1:])
    for problem in report.problems:
        print(problem)
    print(report.summary())
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main())

"""``python -m tests.warehouse.offline_bigquery``: check the whole project as it stands; options go to every dbt command."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.warehouse.offline_bigquery.check import check_project


def main() -> int:
    """Print what BigQuery would refuse; 1 if there is anything."""
    parser = argparse.ArgumentParser(prog="python -m tests.warehouse.offline_bigquery", description=__doc__)
    _, dbt_options = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as scratch:
        report = check_project(Path(scratch), dbt_options=dbt_options)
    for problem in report.problems:
        print(problem)
    print(report.summary())
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main())

"""``python -m tests.warehouse.offline_bigquery``: check the project as it stands; options go to dbt."""

import sys
import tempfile
from pathlib import Path

from tests.warehouse.offline_bigquery.check import check_project

with tempfile.TemporaryDirectory() as scratch:
    report = check_project(Path(scratch), dbt_options=sys.argv[1:])
for problem in report.problems:
    print(problem)
print(report.summary())
sys.exit(1 if report.problems else 0)

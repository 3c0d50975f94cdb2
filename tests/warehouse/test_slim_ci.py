"""The scripts that CI calls, run as it runs them: dbt's own selection and deferral, Google's analyzer for BigQuery."""

from __future__ import annotations

import json
import os
import shutil
import socketserver
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any
from unittest.mock import patch

import dbt.adapters.bigquery.connections as connections
import pytest
from dbt.cli.main import dbtRunner
from dbt_common.events.contextvars import get_node_info

from loaders.bigquery_cost.stand_in import StandInJob
from tests.conftest import ROOT
from tests.warehouse.googlesql.column_types import canonical_type
from tests.warehouse.offline_bigquery.client import OfflineClient
from tests.warehouse.offline_bigquery.warehouse import OfflineWarehouse
from tests.warehouse.small_project import write_project

PRODUCTION = "my-project"
MODELS = {
    "swaps": "{{ config(materialized='table', schema='intermediate') }} select 1 as swap_id, 2 as amount",
    "totals": (
        "{{ config(materialized='incremental', schema='intermediate', incremental_strategy='merge') }}\n"
        "select swap_id, amount from {{ ref('swaps') }}"
    ),
    "volume": "{{ config(materialized='table', schema='dex') }} select swap_id, amount as volume from {{ ref('totals') }}",
    "prices": "{{ config(materialized='table', schema='market') }} select 1 as price",
    "priced": "{{ config(materialized='table', schema='dex') }} select price from {{ ref('prices') }} cross join {{ ref('swaps') }}",
}
COLUMNS = {
    "swaps": ["swap_id", "amount"],
    "totals": ["swap_id", "amount"],
    "volume": ["swap_id", "volume"],
    "prices": ["price"],
    "priced": ["price"],
}


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project as production has built it, with the manifest of that build in `state`."""
    folder = tmp_path_factory.mktemp("slim")
    properties = {
        "models": [
            {"name": name, "columns": [{"name": column, "data_type": "int64"} for column in columns]}
            for name, columns in COLUMNS.items()
        ]
    }
    project = write_project(folder / "project", MODELS, properties)
    subprocess.run(
        [
            *(str(Path(sys.executable).with_name("dbt")), "--quiet", "parse", "--target", "bigquery"),
            *("--project-dir", str(project), "--profiles-dir", str(project), "--target-path", str(folder / "state")),
        ],
        check=True,
        env={**os.environ, "POOLHOUSE_GCP_PROJECT": PRODUCTION},
    )
    return folder


@pytest.fixture
def changed(production: Path, tmp_path: Path) -> Path:
    """A copy of it in which the SQL of `totals` has changed."""
    shutil.copytree(production, tmp_path / "slim")
    model = tmp_path / "slim" / "project" / "models" / "totals.sql"
    model.write_text(model.read_text().replace("swap_id, amount", "swap_id, 2 * amount as amount"))
    return tmp_path / "slim"


def run(folder: Path, script: str, *options: str) -> list[dict[str, str]]:
    """The statements that dbt sends to BigQuery while the script runs."""
    manifest = json.loads((folder / "state" / "manifest.json").read_text())
    warehouse = OfflineWarehouse()
    for node in manifest["nodes"].values():
        columns = {name: canonical_type(column["data_type"]) for name, column in node["columns"].items()}
        warehouse.add_table(f"{node['database']}.{node['schema']}.{node['alias']}".lower(), columns)
    sent: list[dict[str, str]] = []

    class Client(OfflineClient):
        def query(self, query: str, job_id: str, **unused: Any) -> StandInJob:
            node = str((get_node_info() or {}).get("unique_id", ""))
            sent.append({"model": node.rsplit(".", maxsplit=1)[-1], "sql": query})
            return super().query(query, job_id, **unused)

    def create(credentials: Any) -> OfflineClient:
        return Client(warehouse, credentials.execution_project)

    environment = {
        "DBT_PROJECT_DIR": str(folder / "project"),
        "DBT_PROFILES_DIR": str(folder / "project"),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        "POOLHOUSE_GCP_PROJECT": PRODUCTION,
    }
    with patch.object(connections, "create_bigquery_client", create), patch.dict(os.environ, environment):
        done = _run_with_dbt_here(folder, [str(ROOT / ".ci" / script), str(folder / "state"), *options])
    assert done.returncode == 0, done.stdout + done.stderr
    return sent


def _run_with_dbt_here(folder: Path, command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a script whose `dbt` is this process: importing dbt takes longer than all that it does here."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            arguments = json.loads(self.rfile.readline())
            one_thread = [] if "ls" in arguments else ["--threads", "1"]
            done = dbtRunner().invoke(["--quiet", "--log-level-file", "none", *arguments, *one_thread])
            if not done.success:
                results: Any = done.result
                print(arguments, done.exception or [(r.node.name, r.message) for r in getattr(results, "results", ())])
            self.wfile.write(b"0" if done.success else b"1")

    dbt = folder / "dbt"
    dbt.write_text(
        f"#!{sys.executable}\n"
        "import json, socket, sys\n"
        "with socket.socket(socket.AF_UNIX) as s:\n"
        f"    s.connect({str(folder / 'socket')!r})\n"
        "    s.sendall(json.dumps(sys.argv[1:]).encode() + b'\\n')\n"
        "    sys.exit(int(s.recv(1)))\n"
    )
    dbt.chmod(0o755)
    with socketserver.UnixStreamServer(str(folder / "socket"), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            return subprocess.run(
                command, check=False, capture_output=True, text=True, env={**os.environ, "DBT": str(dbt)}
            )
        finally:
            server.shutdown()


def test_builds_what_changed_beside_production_and_reads_the_rest_from_it(changed: Path) -> None:
    sent = run(changed, "slim")
    by_model = {entry["model"]: entry["sql"] for entry in sent if entry["model"]}
    assert set(by_model) == {"totals", "volume"}
    everything = "\n".join(entry["sql"] for entry in sent)
    assert "`my-project`.`intermediate`.`swaps`" in everything, "unchanged: read from production"
    assert "`my-project`.`ci_intermediate`.`totals`" in everything, "changed: built beside it"
    assert "from `my-project`.`ci_intermediate`.`totals`" in by_model["volume"], "and read from there"
    written = [line for line in everything.splitlines() if line.strip().startswith(("create or replace", "merge into"))]
    assert written
    assert all("`ci_" in line for line in written), written
    merges = [entry for entry in sent if "merge into" in entry["sql"]]
    assert [entry["model"] for entry in merges] == ["totals"], "whole first, then once more incrementally"


def test_production_builds_changed_history_whole_and_everything_once(changed: Path) -> None:
    sent = run(changed, "deploy")
    built = [entry["model"] for entry in sent if entry["model"]]
    assert set(built) == set(MODELS)
    assert all("ci_" not in entry["sql"] for entry in sent)
    whole = [
        entry["model"]
        for entry in sent
        if "create or replace table `my-project`.`intermediate`.`totals`" in entry["sql"]
    ]
    assert whole == ["totals"], "its history was made with the SQL that it had before"


def test_nothing_changed_is_no_failure(production: Path) -> None:
    sent = run(production, "slim")
    assert [entry for entry in sent if entry["model"]] == []

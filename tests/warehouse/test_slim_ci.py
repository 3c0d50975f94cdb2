"""The scripts that CI calls, run as it runs them: dbt's own selection and deferral, Google's analyzer for BigQuery."""

from __future__ import annotations

import json
import os
import re
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
    "rated": (
        "{{ config(materialized='incremental', schema='market', incremental_strategy='merge') }}\n"
        "select rate from {{ ref('rates') }}"
    ),
}
SEED = "rates"
COLUMNS = {
    "swaps": ["swap_id", "amount"],
    "totals": ["swap_id", "amount"],
    "volume": ["swap_id", "volume"],
    "prices": ["price"],
    "priced": ["price"],
    "rated": ["rate"],
}


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project as production has built it, with the manifest of that build in `state`."""
    folder = tmp_path_factory.mktemp("slim")

    def described(name: str, columns: list[str]) -> dict[str, Any]:
        return {"name": name, "columns": [{"name": column, "data_type": "int64"} for column in columns]}

    seed = {**described(SEED, ["rate"]), "config": {"schema": "seeds", "column_types": {"rate": "int64"}}}
    properties = {"models": [described(name, columns) for name, columns in COLUMNS.items()], "seeds": [seed]}
    project = write_project(folder / "project", MODELS, properties)
    (project / "seeds").mkdir()
    (project / "seeds" / f"{SEED}.csv").write_text("rate\n1\n")
    subprocess.run(
        [
            *(str(Path(sys.executable).with_name("dbt")), "--quiet", "parse", "--target", "bigquery"),
            *("--project-dir", str(project), "--profiles-dir", str(project), "--target-path", str(folder / "state")),
        ],
        check=True,
        env={**os.environ, "POOLHOUSE_GCP_PROJECT": PRODUCTION},
    )
    return folder


def with_changes(production: Path, folder: Path, changes: dict[str, tuple[str, str]]) -> Path:
    """A copy of it in which files of the project have changed: what stood there, and what does now."""
    shutil.copytree(production, folder)
    for name, (before, after) in changes.items():
        path = folder / "project" / name
        assert before in path.read_text()
        path.write_text(path.read_text().replace(before, after))
    return folder


@pytest.fixture
def changed(production: Path, tmp_path: Path) -> Path:
    """A copy of it in which the SQL of `totals` has changed."""
    return with_changes(
        production, tmp_path / "slim", {"models/totals.sql": ("swap_id, amount", "swap_id, 2 * amount as amount")}
    )


@pytest.fixture
def changed_with_what_it_reads(production: Path, tmp_path: Path) -> Path:
    """A copy of it in which `totals` needs a column that `swaps` has only now."""
    return with_changes(
        production,
        tmp_path / "slim",
        {
            "models/swaps.sql": ("2 as amount", "2 as amount, 3 as fee"),
            "models/totals.sql": ("swap_id, amount", "swap_id, amount - fee as amount"),
        },
    )


def run(folder: Path, script: str, *options: str, state: str = "") -> list[dict[str, str]]:
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
        done = _run_with_dbt_here(folder, [str(ROOT / ".ci" / script), state or str(folder / "state"), *options])
    assert done.returncode == 0, done.stdout + done.stderr
    return sent


def _run_with_dbt_here(folder: Path, command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a script whose `dbt` is this process: importing dbt takes longer than all that it does here."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            arguments = json.loads(self.rfile.readline())
            is_list = "ls" in arguments
            one_thread = [] if is_list else ["--threads", "1"]
            done = dbtRunner().invoke(["--quiet", "--log-level-file", "none", *arguments, *one_thread])
            result: Any = done.result
            if not done.success:
                print(arguments, done.exception or [(r.node.name, r.message) for r in getattr(result, "results", ())])
            printed = "".join(f"{line}\n" for line in result or ()) if is_list else ""
            self.wfile.write(f"{int(not done.success)}{printed}".encode())

    dbt = folder / "dbt"
    dbt.write_text(
        f"#!{sys.executable}\n"
        "import json, socket, sys\n"
        "with socket.socket(socket.AF_UNIX) as s:\n"
        f"    s.connect({str(folder / 'socket')!r})\n"
        "    s.sendall(json.dumps(sys.argv[1:]).encode() + b'\\n')\n"
        "    answer = s.makefile().read()\n"
        "sys.stdout.write(answer[1:])\n"
        "sys.exit(int(answer[0]))\n"
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
            (folder / "socket").unlink()


def rebuilt(sent: list[dict[str, str]]) -> list[str]:
    """Models whose tables were made anew, in order."""
    return [
        entry["model"] for entry in sent if re.search(rf"create or replace table \S+`{entry['model']}`", entry["sql"])
    ]


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
    assert set(built) == {*MODELS, SEED}
    assert all("ci_" not in entry["sql"] for entry in sent)
    assert rebuilt(sent).count("totals") == 1, "its history was made with the SQL that it had before"
    assert "rated" not in rebuilt(sent), "its SQL is as it was"


def test_slim_builds_again_what_changed_models_read(changed_with_what_it_reads: Path) -> None:
    sent = run(changed_with_what_it_reads, "slim")
    merges = [entry["sql"] for entry in sent if "merge into" in entry["sql"]]
    assert len(merges) == 1
    assert "`my-project`.`ci_intermediate`.`swaps`" in merges[0], "production's has no column fee"


def test_history_is_made_from_what_is_read_as_it_is_now(changed_with_what_it_reads: Path) -> None:
    """The analyzer refuses `totals` upon production's `swaps`, which has no fee yet."""
    made = rebuilt(run(changed_with_what_it_reads, "deploy"))
    assert made.index("swaps") < made.index("totals")


def test_rows_of_seeds_rebuild_no_history(production: Path, tmp_path: Path) -> None:
    folder = with_changes(production, tmp_path / "slim", {f"seeds/{SEED}.csv": ("1", "2")})
    sent = run(folder, "deploy")
    assert "rated" not in rebuilt(sent)
    assert [entry["model"] for entry in sent if "merge into" in entry["sql"]] == ["totals", "rated"]
    whole = run(folder, "deploy", f"{SEED}+")
    assert rebuilt(whole).count("rated") == 1, "unless it is asked for"


def test_nothing_changed_is_no_failure(production: Path) -> None:
    sent = run(production, "slim")
    assert [entry for entry in sent if entry["model"]] == []


@pytest.mark.parametrize("script", ["slim", "deploy"])
def test_without_the_state_nothing_is_built(tmp_path: Path, script: str) -> None:
    """A manifest that could not be fetched must not pass for a first build: no history would be made anew."""
    done = subprocess.run(
        [str(ROOT / ".ci" / script), str(tmp_path)],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "DBT": "/bin/false"},
    )
    assert done.returncode == 1
    message, remedy = done.stderr.splitlines()
    assert message.startswith(f"There is no {tmp_path}/manifest.json")
    assert ".ci/deploy none" in remedy


def test_the_first_build_needs_no_state(production: Path) -> None:
    sent = run(production, "deploy", state="none")
    assert {entry["model"] for entry in sent if entry["model"]} == {*MODELS, SEED}

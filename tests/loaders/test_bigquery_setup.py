"""`poolhouse init bigquery` as a user runs it: Google's client against a loopback service."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery
from typer.testing import CliRunner

from loaders.bigquery_setup.access import accounts, grants
from loaders.bigquery_setup.connect import Connection, explained
from loaders.bigquery_setup.layout import Target, datasets, prefix
from loaders.commands.init import app
from loaders.errors import PoolhouseError
from tests.conftest import ROOT, Run
from tests.loaders.google_cloud import (
    CLIENT_EMAIL,
    PROJECT,
    GoogleCloud,
    Refusal,
    google_cloud,
    isolated,
    service_account_file,
)

MARTS = {"dex", "lending", "market", "quality"}
BUILT = MARTS | {"seeds", "staging", "intermediate"}

Init = Callable[..., str]
Refused = Callable[..., tuple[str, str]]


@pytest.fixture
def cloud() -> Iterator[GoogleCloud]:
    with google_cloud() as service:
        yield service


@pytest.fixture
def environment(cloud: GoogleCloud, tmp_path: Path) -> dict[str, str]:
    return {
        **isolated(tmp_path),
        "COLUMNS": "160",
        "POOLHOUSE_GCP_PROJECT": PROJECT,
        "BIGQUERY_EMULATOR_HOST": cloud.url,
        "GOOGLE_APPLICATION_CREDENTIALS": str(service_account_file(tmp_path, cloud.url)),
    }


@pytest.fixture
def init(environment: dict[str, str]) -> Init:
    """Run `poolhouse init bigquery …` in this process; what it prints. Raises what it raises."""

    def run(*options: str, **env: str) -> str:
        done = CliRunner(env={**environment, **env}).invoke(app, ["bigquery", *options])
        if done.exception is not None:
            raise done.exception
        return done.stdout

    return run


@pytest.fixture
def refused(init: Init) -> Refused:
    """Message and remedy of a run that must fail."""

    def run(*options: str, **env: str) -> tuple[str, str]:
        with pytest.raises(PoolhouseError) as raised:
            init(*options, **env)
        return raised.value.message, raised.value.remedy

    return run


def test_as_a_user_runs_it(poolhouse: Run, cloud: GoogleCloud, environment: dict[str, str]) -> None:
    assert "raw: made (tables do not expire)" in poolhouse("init", "bigquery", env=environment).stdout
    assert len(cloud.datasets) == 8
    cloud.refusals["POST jobs"] = Refusal(403, "billingNotEnabled", "Billing has not been enabled for this project.")
    done = poolhouse("init", "bigquery", check=False, env=environment)
    assert done.returncode == 1
    message, remedy = done.stderr.splitlines()
    assert message.startswith("Error: Project my-project has no billing account")
    assert "gcloud billing projects link my-project" in remedy


def test_makes_the_datasets_once(init: Init, cloud: GoogleCloud) -> None:
    planned = init("--location", "EU", "--dry-run")
    assert "raw: would be made (tables do not expire)" in planned
    assert not cloud.datasets
    assert cloud.writes() == []

    made = init("--location", "EU")
    assert f"a service account's key, {CLIENT_EMAIL}" in made
    assert set(cloud.datasets) == BUILT | {"raw"}
    raw = cloud.datasets["raw"]
    assert raw["location"] == "EU"
    assert raw["labels"] == {"app": "poolhouse", "layer": "raw", "environment": "production"}
    assert "ledger" in raw["description"]
    assert all(d.get("defaultTableExpirationMs") is None for d in cloud.datasets.values())

    before = cloud.writes()
    again = init("--location", "EU")
    assert again.count("there, as it should be") == len(cloud.datasets)
    assert cloud.writes() == before


def test_development_shares_raw_and_forgets_its_tables(init: Init, cloud: GoogleCloud) -> None:
    done = init("--target", "bigquery_dev", "--expiration-days", "7", USER="Ada.Lovelace-1")
    assert set(cloud.datasets) == {f"dev_ada_lovelace_1_{name}" for name in BUILT}
    assert {d["defaultTableExpirationMs"] for d in cloud.datasets.values()} == {str(7 * 86_400_000)}
    assert "export POOLHOUSE_BQ_PREFIX=dev_ada_lovelace_1" in done
    assert "dbt build --target bigquery_dev" in done
    assert "raw, which this target shares with production, is not there yet" in done


def test_development_lies_where_production_lies(init: Init, refused: Refused) -> None:
    init("--location", "EU")
    assert "is not there yet" not in init("--target", "bigquery_dev", "--location", "EU")
    message, _ = refused("--target", "bigquery_ci", "--location", "US")
    assert message == f"Dataset {PROJECT}.raw lies in EU, not in US."


def test_repairs_what_is_not_as_it_should_be(init: Init, cloud: GoogleCloud) -> None:
    init()
    # Somebody's labels stay; an expiry would delete production's tables.
    cloud.datasets["dex"].update(
        description="", labels={"team": "chain", "layer": "gold"}, defaultTableExpirationMs="3600000"
    )
    repaired = init()
    assert "dex: changed (description, labels, life of tables)" in repaired
    assert cloud.datasets["dex"]["labels"] == {
        "team": "chain",
        "layer": "marts",
        "app": "poolhouse",
        "environment": "production",
    }
    assert "defaultTableExpirationMs" not in cloud.datasets["dex"]


def test_goes_on_where_a_refusal_stopped_it(init: Init, cloud: GoogleCloud, refused: Refused) -> None:
    cloud.datasets["staging"] = {
        "datasetReference": {"projectId": PROJECT, "datasetId": "staging"},
        "location": "europe-west3",
    }
    message, remedy = refused("--location", "EU")
    assert message == f"Dataset {PROJECT}.staging lies in europe-west3, not in EU."
    assert "POOLHOUSE_BQ_LOCATION=europe-west3" in remedy
    assert cloud.writes() == [], "nothing is made before everything was looked at"
    del cloud.datasets["staging"]
    init("--location", "EU")
    assert set(cloud.datasets) == BUILT | {"raw"}


REFUSALS = {
    "no permission to query": (
        "POST jobs",
        Refusal(
            403, "accessDenied", "Access Denied: Project my-project: User does not have bigquery.jobs.create permission"
        ),
        f"A service account's key, {CLIENT_EMAIL} may not run a query in project my-project",
        "roles/bigquery.user",
    ),
    "no permission to make datasets": (
        "POST datasets",
        Refusal(403, "accessDenied", "Access Denied: Project my-project: User does not have bigquery.datasets.create"),
        f"{CLIENT_EMAIL} may not make datasets in dataset my-project.raw",
        "roles/bigquery.user",
    ),
    "no permission to look": (
        "GET datasets",
        Refusal(403, "accessDenied", "Access Denied: Dataset my-project:raw: Permission bigquery.datasets.get denied"),
        "may not look at datasets in dataset my-project.raw",
        "roles/bigquery.dataOwner",
    ),
    "unknown project": (
        "POST jobs",
        Refusal(404, "notFound", "Not found: Project my-project"),
        "Google does not know project my-project",
        "gcloud projects list",
    ),
    "invalid project": (
        "POST jobs",
        Refusal(400, "invalid", "The project my-project is invalid: ProjectId must be non-empty"),
        "'my-project' is no project id",
        "gcloud projects list",
    ),
    "API not enabled": (
        "POST jobs",
        Refusal(
            403, "accessNotConfigured", "BigQuery API has not been used in project my-project before or it is disabled."
        ),
        "The BigQuery API is not enabled in project my-project.",
        "gcloud services enable bigquery.googleapis.com",
    ),
    "no billing": (
        "POST datasets",
        Refusal(403, "billingNotEnabled", "Billing has not been enabled for this project. Enable billing at …"),
        "Project my-project has no billing account",
        "gcloud billing projects link my-project",
    ),
    "unknown location": (
        "POST jobs",
        Refusal(400, "invalid", "Invalid value for location: atlantis is not a valid value"),
        "BigQuery has no location 'US'",
        "europe-west3",
    ),
    "made by another at the same moment": (
        "POST datasets",
        Refusal(409, "duplicate", "Already Exists: Dataset my-project:raw"),
        "Somebody else made raw just now",
        "Run the command again",
    ),
    "revoked key": (
        "POST token",
        Refusal(400, "invalid_grant", "Invalid JWT Signature."),
        "Google refuses the credentials (a service account's key",
        "Renew them.",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_each_refusal_says_how_to_mend_it(cloud: GoogleCloud, refused: Refused, case: str) -> None:
    where, refusal, expected_message, expected_remedy = REFUSALS[case]
    cloud.refusals[where] = refusal
    message, remedy = refused()
    assert expected_message in message
    assert expected_remedy in remedy


def test_a_sandbox_is_told_apart(init: Init, cloud: GoogleCloud, refused: Refused) -> None:
    cloud.is_sandbox = True
    message, remedy = refused()
    assert "is a BigQuery sandbox: its tables vanish after 60 days" in message
    assert "gcloud billing projects link my-project" in remedy
    init("--target", "bigquery_dev")


def test_without_project_or_credentials(refused: Refused, tmp_path: Path) -> None:
    message, remedy = refused(POOLHOUSE_GCP_PROJECT="")
    assert message == "No Google Cloud project is named."
    assert "--project" in remedy
    message, remedy = refused(GOOGLE_APPLICATION_CREDENTIALS="")
    assert message == "There are no credentials for Google Cloud."
    assert "gcloud auth application-default login" in remedy
    torn = tmp_path / "torn.json"
    torn.write_text("{")
    message, remedy = refused(GOOGLE_APPLICATION_CREDENTIALS=str(torn))
    assert f"The credentials in {torn} cannot be used" in message
    for target, variable in (("bigquery_dev", "POOLHOUSE_BQ_PREFIX"), ("bigquery_ci", "POOLHOUSE_BQ_CI_PREFIX")):
        message, remedy = refused("--target", target, **{variable: "Ada's"})
        assert message == '"Ada\'s" cannot begin the name of a dataset.'
        assert remedy.startswith(f"Set {variable} to ")


def test_a_failure_that_says_nothing_is_told_by_its_name() -> None:
    connection = Connection(bigquery.Client(PROJECT, AnonymousCredentials()), PROJECT, "US", "me")
    with (
        pytest.raises(PoolhouseError, match="BigQuery did not look at datasets in project my-project: TimeoutError"),
        explained(connection, "look at datasets"),
    ):
        raise TimeoutError


def test_grants_are_the_least_that_each_account_needs(init: Init) -> None:
    lines = init("--grants", "sql", "--dry-run")
    found = set(re.findall(r'grant `(\S+)` on schema `my-project`\.`(\w+)` to "serviceAccount:poolhouse-(\w+)@', lines))
    assert found == {
        ("roles/bigquery.dataEditor", "raw", "loader"),
        ("roles/bigquery.dataViewer", "raw", "builder"),
        *(("roles/bigquery.dataEditor", name, "builder") for name in BUILT),
        *(("roles/bigquery.dataViewer", name, "reader") for name in MARTS | {"seeds"}),
    }
    on_project = {(grant.account.name, grant.role) for grant in grants(None) if grant.dataset is None}
    assert on_project == {
        *((name, "roles/bigquery.jobUser") for name in ("loader", "builder", "reader")),
        ("reader", "roles/bigquery.readSessionUser"),
    }


def test_printed_grants_may_be_run_again(init: Init, tmp_path: Path) -> None:
    """The script as a shell runs it, with stand-ins that know what was made: a second run makes no account."""
    for command in ("gcloud", "bq"):
        (tmp_path / command).write_text(
            "#!/bin/sh\n"
            'echo "$@" >> "$FOLDER/calls"\n'
            'case "$*" in\n'
            '    *accounts\\ describe*) test -e "$FOLDER/$4" ;;\n'
            '    *accounts\\ create*) touch "$FOLDER/$4@$6.iam.gserviceaccount.com" ;;\n'
            "esac\n"
        )
        (tmp_path / command).chmod(0o755)
    script = init("--dry-run").partition("no more:\n")[2].partition("\nNext:")[0]
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "FOLDER": str(tmp_path)}
    made: list[set[str]] = []
    for _ in range(2):
        (tmp_path / "calls").write_text("")
        subprocess.run(["bash", "-euc", script], check=True, env=environment)
        calls = (tmp_path / "calls").read_text().splitlines()
        made.append({call.split()[3] for call in calls if "accounts create" in call})
        assert len([call for call in calls if call.startswith("query")]) == len([g for g in grants(None) if g.dataset])
        assert len([call for call in calls if "add-iam-policy-binding" in call]) == 4
    assert made == [{account.service_account for account in accounts()}, set()]


def test_datasets_are_the_schemas_of_the_project() -> None:
    """A schema that dbt_project.yml gains is a dataset that init makes."""

    def schemas(node: Any) -> set[str]:
        if not isinstance(node, dict):
            return set()
        return {str(v) for k, v in node.items() if k == "+schema"} | {s for v in node.values() for s in schemas(v)}

    project = yaml.safe_load((ROOT / "dbt_project.yml").read_text())
    declared = schemas(project["models"]) | schemas(project["seeds"])
    assert {d.name for d in datasets(Target.PRODUCTION, None)} == declared | {"raw"}
    assert {d.name for d in datasets(Target.CI, prefix(Target.CI, {}))} == {f"ci_{name}" for name in declared}

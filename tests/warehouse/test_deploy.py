"""What runs in production, as far as it can be held to its promises from here: workflows, Terraform, image."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hcl2
import pytest
import typer
import yaml
from dbt.cli.main import cli as dbt_cli

from loaders.bigquery_setup import access, layout
from loaders.bigquery_setup.layout import Target
from loaders.cli import app
from tests.conftest import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TERRAFORM = ROOT / "deploy" / "terraform"
ACT_AS = "./.github/actions/act-as"
KEYLESS = ("google-github-actions/auth", ACT_AS)


def workflow(path: Path) -> dict[str, Any]:
    # YAML 1.1 reads the key `on` as true.
    return {("on" if key is True else key): value for key, value in yaml.safe_load(path.read_text()).items()}


def steps(job: dict[str, Any]) -> list[dict[str, Any]]:
    return list(job["steps"])


def is_pinned(step: dict[str, Any]) -> bool:
    use = step.get("uses", ACT_AS)
    return use == ACT_AS or re.fullmatch(r"[\w/-]+@(v\d+|[0-9a-f]{40})", use) is not None


def test_accounts_are_acted_as_without_a_key() -> None:
    parsed = yaml.safe_load((ROOT / ACT_AS / "action.yml").read_text())
    assert all(is_pinned(step) for step in steps(parsed["runs"]))
    (keyless,) = (step for step in steps(parsed["runs"]) if step.get("uses", "").startswith(KEYLESS))
    assert keyless["with"] == {
        name: f"${{{{ inputs.{name} }}}}" for name in ("workload_identity_provider", "service_account")
    }
    assert set(parsed["inputs"]) == set(keyless["with"])


@pytest.fixture(scope="module")
def terraform() -> dict[str, Any]:
    """Every block by its kind, of all files together. hcl2 quotes strings as they stand in the file."""
    blocks: dict[str, Any] = {}
    for path in sorted(TERRAFORM.glob("*.tf")):
        for kind, found in hcl2.loads(path.read_text()).items():
            blocks.setdefault(kind, []).extend(found)
    return blocks


def test_pull_requests_meet_no_secret_and_no_credential() -> None:
    path = ROOT / ".github" / "workflows" / "pull-request.yml"
    text, parsed = path.read_text(), workflow(path)
    assert set(parsed["on"]) == {"pull_request"}
    assert parsed["permissions"] == {"contents": "read"}
    for job in parsed["jobs"].values():
        assert "permissions" not in job, "nothing beyond the workflow's own"
        assert "environment" not in job
    for forbidden in ("secrets.", "secrets[", "vars.", "id-token", *KEYLESS, "setup-gcloud", "self-hosted"):
        assert forbidden not in text, forbidden


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_workflow_asks_for_the_least(path: Path) -> None:
    text, parsed = path.read_text(), workflow(path)
    assert "pull_request_target" not in text
    assert "workflow_run" not in text
    assert parsed["permissions"] == {"contents": "read"}
    if "pull_request" not in parsed["on"]:
        assert set(parsed["on"]) <= {"push", "schedule", "workflow_dispatch"}
        if "push" in parsed["on"]:
            assert parsed["on"]["push"]["branches"] == ["main"]
    for name, job in parsed["jobs"].items():
        granted = job.get("permissions", {})
        assert set(granted.items()) <= {("contents", "read"), ("id-token", "write"), ("pages", "write")}, name
        uses = [step.get("uses", "") for step in steps(job)]
        asks_for_token = any(use.startswith((*KEYLESS, "actions/deploy-pages")) for use in uses)
        assert (granted.get("id-token") == "write") == asks_for_token, name
        if asks_for_token:
            assert "environment" in job, f"{name}: an account is given to an environment, never to a branch alone"
        assert job["timeout-minutes"], name
        for step in steps(job):
            assert is_pinned(step), step
            assert "${{ inputs." not in step.get("run", ""), "inputs go through the environment, not into the shell"
            assert "${{ github.event" not in step.get("run", ""), step
            if step.get("uses", "").startswith("actions/checkout"):
                assert step["with"]["persist-credentials"] is False, name
            if step.get("uses", "").startswith(KEYLESS):
                assert set(step["with"]) == {"workload_identity_provider", "service_account"}, "keyless"


def test_secrets_are_few_and_known() -> None:
    found = {(p.stem, s) for p in WORKFLOWS for s in re.findall(r"secrets(?:\.|\[)[^}]*", p.read_text())}
    assert found == {("nightly", "secrets[format('AUDIT_RPC_URL_{0")}


def test_workflows_read_the_variables_that_terraform_puts_out(terraform: dict[str, Any]) -> None:
    outputs = next(block['"github_variables"'] for block in terraform["output"] if '"github_variables"' in block)
    read = {name for path in WORKFLOWS for name in re.findall(r"vars\.(\w+)", path.read_text())}
    assert read == set(outputs["value"])


def test_environments_are_those_that_terraform_lets_in(terraform: dict[str, Any]) -> None:
    """Which environment acts as which account, by the workflows and by Terraform."""
    acting = set()
    for path in WORKFLOWS:
        for job in workflow(path)["jobs"].values():
            for step in steps(job):
                if step.get("uses", "").startswith(KEYLESS):
                    account = re.search(r"vars\.(\w+)_SERVICE_ACCOUNT", step["with"]["service_account"])
                    assert account is not None
                    acting.add((account[1].lower(), job["environment"]))
    environments = next(block["environments"] for block in terraform["locals"] if "environments" in block)
    admitted = {(account, name.strip('"')) for account, names in environments.items() for name in names}
    assert acting == admitted


def test_only_main_of_the_repository_is_believed(terraform: dict[str, Any]) -> None:
    provider = resource(terraform, "google_iam_workload_identity_pool_provider", "github")
    assert "assertion.repository == '${var.repository}'" in provider["attribute_condition"]
    assert "assertion.ref == 'refs/heads/main'" in provider["attribute_condition"]


def test_accounts_are_given_to_environments_and_not_to_subjects(terraform: dict[str, Any]) -> None:
    """GitHub writes the subject of older repositories otherwise than that of newer ones."""
    provider = resource(terraform, "google_iam_workload_identity_pool_provider", "github")
    mapping = {key.strip('"'): value.strip('"') for key, value in provider["attribute_mapping"].items()}
    assert mapping["attribute.environment"] == "assertion.environment"
    member = resource(terraform, "google_service_account_iam_member", "github")["member"]
    assert "principalSet://iam.googleapis.com" in member
    assert "attribute.environment" in member
    assert "each.value.environment" in member


def test_terraform_makes_what_init_makes(terraform: dict[str, Any]) -> None:
    """Both read the same tables; what stands in Terraform besides is compared here."""
    facts = {key: value for block in terraform["locals"] for key, value in block.items()}
    assert "loaders/bigquery_setup" in facts["setup"]
    assert 'csvdecode(file("${local.setup}/datasets.csv"))' in facts["datasets"]
    assert 'csvdecode(file("${local.setup}/accounts.csv"))' in facts["accounts"]
    assert (TERRAFORM / ".." / ".." / "loaders" / "bigquery_setup").resolve() == layout.DATASETS_CSV.parent
    assert facts["writer_role"] == f'"{access.WRITER_ROLE}"'
    assert facts["reader_role"] == f'"{access.READER_ROLE}"'

    for name, target in (("production", Target.PRODUCTION), ("ci", Target.CI)):
        made = resource(terraform, "google_bigquery_dataset", name)
        example = layout.datasets(target, layout.prefix(target, {}))[0]
        labels = {key: value for key, value in made["labels"].items() if not key.startswith("__")}
        assert set(labels) == set(example.labels)
        assert labels["app"] == f'"{example.labels["app"]}"'
        assert labels["environment"] == f'"{example.labels["environment"]}"'
        days = example.expiration_days
        expected = None if days is None else f"{days} * 24 * 60 * 60 * 1000"
        assert str(made.get("default_table_expiration_ms", "None")).strip("${}") == str(expected)


def terraform_command(folder: Path, *arguments: str, stdin: str = "") -> str:
    """Terraform where it is installed; it asks no network for what it is asked here."""
    if shutil.which("terraform") is None:
        pytest.skip("Terraform is not installed: CI runs `terraform fmt` and `terraform validate`")
    environment = {**os.environ, "CHECKPOINT_DISABLE": "1", "TF_CLI_CONFIG_FILE": os.devnull}
    done = subprocess.run(
        ["terraform", *arguments], cwd=folder, input=stdin, check=False, capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_terraform_is_formatted() -> None:
    assert terraform_command(TERRAFORM, "fmt", "-check", "-diff") == ""


def evaluated(folder: Path, files: tuple[str, ...], expression: str, *variables: str) -> dict[str, Any]:
    """Terraform's own evaluation of an expression: locals of the files and variables alone, for which it needs no provider."""
    shutil.copytree(layout.DATASETS_CSV.parent, folder / "loaders" / "bigquery_setup")
    work = folder / "deploy" / "terraform"
    work.mkdir(parents=True)
    shutil.copy(TERRAFORM / "variables.tf", work)
    text = "\n".join((TERRAFORM / name).read_text() for name in files)
    (work / "locals.tf").write_text("\n".join(re.findall(r"(?ms)^locals \{.*?^\}", text)))
    given = [
        word for variable in ("project=my-project", "repository=owner/name", *variables) for word in ("-var", variable)
    ]
    printed = terraform_command(work, "console", *given, stdin=f"jsonencode({expression})\n")
    return dict(json.loads(json.loads(printed.strip().splitlines()[-1])))


def test_terraform_computes_the_grants_of_init(tmp_path: Path) -> None:
    names = ("project_roles", "readings", "datasets", "ci_datasets")
    expression = "{" + ", ".join(f"{name} = local.{name}" for name in names) + "}"
    found = evaluated(tmp_path, ("datasets.tf", "accounts.tf"), expression)

    granted = {(entry["account"], entry["role"], None) for entry in found["project_roles"].values()}
    granted |= {(entry["reader"], access.READER_ROLE, entry["dataset"]) for entry in found["readings"].values()}
    granted |= {(row["writer"], access.WRITER_ROLE, name) for name, row in found["datasets"].items()}
    assert granted == {(grant.account.name, grant.role, grant.dataset) for grant in access.grants(None)}
    for key, target in (("datasets", Target.PRODUCTION), ("ci_datasets", Target.CI)):
        wanted = {d.name: d.description for d in layout.datasets(target, layout.prefix(target, {}))}
        assert {name: row["description"] for name, row in found[key].items()} == wanted


def test_each_job_runs_a_command_that_there_is(tmp_path: Path) -> None:
    ceiling = 3 * 1024**4
    variables = (
        "chains={base=2000000,ethereum=19000000}",
        "snapshot_schedule=20 2 * * *",
        f"maximum_bytes_billed={ceiling}",
    )
    found = evaluated(
        tmp_path, ("schedule.tf", "storage.tf"), "{jobs = local.jobs, warehouse = local.warehouse}", *variables
    )
    jobs = found["jobs"]
    assert found["warehouse"] == {
        "POOLHOUSE_GCP_PROJECT": "my-project",
        "POOLHOUSE_BQ_LOCATION": "US",
        "POOLHOUSE_BQ_MAXIMUM_BYTES": str(ceiling),
    }
    commands: Any = typer.main.get_command(app)
    chains = ("base", "ethereum")
    loaders = {f"poolhouse-{command}-{chain}": (command, chain) for command in ("load", "snapshot") for chain in chains}
    assert set(jobs) == {*loaders, "poolhouse-build"}
    for name, (command, chain) in loaders.items():
        job = jobs[name]
        assert (job["account"], job["command"], job["chain"], job["args"][0]) == ("loader", "poolhouse", chain, command)
        given = commands.commands[command].make_context(command, job["args"][1:]).params
        assert (given["chain"], given["destination"]) == (chain, "bigquery")
    assert jobs["poolhouse-load-base"]["args"][3:5] == ["--from-block", "2000000"]
    assert "gs://my-project-poolhouse-archive/archive" in jobs["poolhouse-load-base"]["args"]
    build = jobs["poolhouse-build"]
    assert (build["account"], build["command"], build["chain"], build["args"][0]) == ("builder", "dbt", None, "build")
    assert dbt_cli.commands["build"].make_context("build", build["args"][1:]).params["target"] == "bigquery"


GCLOUD = """#!/bin/bash
# Google's command as far as .ci/schedule asks it: ENABLED or PAUSED in a file, one execution that ends once it was seen.
echo "$*" >> "$FOLDER/calls"
case "$*" in
    *jobs\\ describe*) cat "$FOLDER/schedule" ;;
    *jobs\\ pause*) echo PAUSED > "$FOLDER/schedule" ;;
    *jobs\\ resume*) echo ENABLED > "$FOLDER/schedule" ;;
    *executions\\ list*) cat "$FOLDER/running"; : > "$FOLDER/running"; exit "$(cat "$FOLDER/refusal")" ;;
esac
"""


@pytest.fixture
def schedule(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `.ci/schedule` in a folder of its own, with a stand-in for gcloud on the path."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "schedule", tmp_path / ".ci")
    (tmp_path / "gcloud").write_text(GCLOUD)
    (tmp_path / "gcloud").chmod(0o755)
    for name, text in {"schedule": "ENABLED", "running": "", "refusal": "0", "calls": ""}.items():
        (tmp_path / name).write_text(text)
    google = {"BUILD_JOB": "poolhouse-build", "RUN_REGION": "europe-west1", "POOLHOUSE_GCP_PROJECT": "my-project"}

    def run(action: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(tmp_path / ".ci" / "schedule"), action],
            check=False,
            capture_output=True,
            text=True,
            env={
                "PATH": f"{tmp_path}:{os.environ['PATH']}",
                "FOLDER": str(tmp_path),
                "WAIT_S": "0",
                **google,
                **environment,
            },
        )

    return run


Schedule = Callable[..., subprocess.CompletedProcess[str]]


def test_scheduled_builds_wait_for_another(schedule: Schedule, tmp_path: Path) -> None:
    (tmp_path / "running").write_text("poolhouse-build-x7k2p\n")
    held = schedule("pause")
    assert held.returncode == 0, held.stderr
    assert held.stdout == "waiting for poolhouse-build-x7k2p\n", "once, then it was done"
    assert (tmp_path / "schedule").read_text().strip() == "PAUSED"
    assert schedule("resume").returncode == 0
    assert (tmp_path / "schedule").read_text().strip() == "ENABLED"
    for call in (tmp_path / "calls").read_text().splitlines():
        assert "--project my-project" in call
        assert "europe-west1" in call


def test_a_schedule_that_somebody_paused_stays_so(schedule: Schedule, tmp_path: Path) -> None:
    (tmp_path / "schedule").write_text("PAUSED")
    assert schedule("pause").returncode == 0
    assert schedule("resume").returncode == 0
    assert (tmp_path / "schedule").read_text() == "PAUSED"


def test_nothing_is_built_where_nobody_says_what_runs(schedule: Schedule, tmp_path: Path) -> None:
    (tmp_path / "refusal").write_text("1")
    assert schedule("pause").returncode != 0
    assert schedule("resume").returncode == 0
    assert (tmp_path / "schedule").read_text().strip() == "ENABLED", "held for nothing"


def test_without_a_schedule_there_is_nothing_to_hold(schedule: Schedule, tmp_path: Path) -> None:
    assert schedule("pause", BUILD_JOB="").returncode == 0
    assert (tmp_path / "calls").read_text() == ""


def test_workflows_that_build_production_hold_the_schedule() -> None:
    """And let it go again, whatever became of the build."""
    builders = set()
    for path in WORKFLOWS:
        for name, job in workflow(path)["jobs"].items():
            commands = [step.get("run", "") for step in steps(job)]
            building = [
                i for i, command in enumerate(commands) if re.search(r"ci/deploy|dbt build .*target bigquery ", command)
            ]
            if not building:
                continue
            builders.add((path.stem, name))
            assert commands.index(".ci/schedule pause") < building[0]
            resume = commands.index(".ci/schedule resume")
            assert resume > building[-1]
            assert steps(job)[resume]["if"] == "always()"
            assert job["env"]["BUILD_JOB"] == "${{ vars.BUILD_JOB }}"
            assert job["concurrency"] == {"group": "production", "cancel-in-progress": False}
    assert builders == {("main", "production"), ("nightly", "full-checks")}


def test_terraform_gives_no_other_role_on_data(terraform: dict[str, Any]) -> None:
    """Roles that Terraform names itself, not from the tables: none of them reads or writes a dataset."""
    named = set(re.findall(r'"(roles/[\w.]+)"', "\n".join(p.read_text() for p in TERRAFORM.glob("*.tf"))))
    assert {role for role in named if role.startswith("roles/bigquery")} == {access.WRITER_ROLE, access.READER_ROLE}
    assert not {role for role in named if role in ("roles/owner", "roles/editor") or role.endswith("dmin")}


def test_every_variable_and_output_is_described(terraform: dict[str, Any]) -> None:
    for kind in ("variable", "output"):
        for block in terraform[kind]:
            for name, body in block.items():
                if not name.startswith("__"):
                    assert len(body["description"]) > 20, name


def admitted_to_image() -> list[str]:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored, "what is not listed stays out"
    return [line[1:] for line in ignored if line.startswith("!")]


def test_image_runs_as_nobody_special_and_carries_no_secret() -> None:
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text()
    instructions = re.findall(r"^([A-Z]+) (.*)", dockerfile, re.MULTILINE)
    assert [value for name, value in instructions if name == "USER"] == ["poolhouse"]
    assert not {".dlt", ".git", ".venv", ".cache", ".poolhouse"} & set(admitted_to_image())


def test_image_carries_what_its_commands_need(tmp_path: Path) -> None:
    """The same files in a folder of their own: dbt parses the project there, and the loader's commands are imported from there."""
    image = tmp_path / "image"
    for name in admitted_to_image():
        source, copied = ROOT / name, image / name
        copied.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, copied)
        else:
            shutil.copy(source, copied)
    parse = ["dbt", "--quiet", "parse", "--target", "bigquery_offline", "--target-path", str(tmp_path / "target")]
    load = [
        sys.executable,
        "-c",
        "import sys; sys.argv = ['poolhouse', 'load', '--help']; import loaders.cli as c; c.main()",
    ]
    imported = [sys.executable, "-c", "import loaders; print(loaders.__file__)"]
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(image),
    }
    for command, expected in ((parse, ""), (load, "--from-block"), (imported, str(image / "loaders"))):
        done = subprocess.run(command, cwd=image, check=False, capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stdout + done.stderr
        assert expected in done.stdout


def resource(terraform: dict[str, Any], kind: str, name: str) -> dict[str, Any]:
    for block in terraform["resource"]:
        found = block.get(f'"{kind}"', {}).get(f'"{name}"')
        if found is not None:
            return dict(found)
    raise AssertionError(f"no {kind} {name}")

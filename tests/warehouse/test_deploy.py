"""What runs in production, as far as it can be held to its promises from here: workflows, Terraform, image."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import hcl2
import pytest
import yaml

from loaders.bigquery_setup import access, layout
from loaders.bigquery_setup.layout import Target
from tests.conftest import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TERRAFORM = ROOT / "deploy" / "terraform"
KEYLESS = "google-github-actions/auth"


def workflow(path: Path) -> dict[str, Any]:
    # YAML 1.1 reads the key `on` as true.
    return {("on" if key is True else key): value for key, value in yaml.safe_load(path.read_text()).items()}


def steps(job: dict[str, Any]) -> list[dict[str, Any]]:
    return list(job["steps"])


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
    for forbidden in ("secrets.", "vars.", "id-token", KEYLESS, "setup-gcloud", "self-hosted"):
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
        asks_for_token = any(use.startswith((KEYLESS, "actions/deploy-pages")) for use in uses)
        assert (granted.get("id-token") == "write") == asks_for_token, name
        if asks_for_token:
            assert "environment" in job, f"{name}: an account is given to an environment, never to a branch alone"
        assert job["timeout-minutes"], name
        for step in steps(job):
            assert re.fullmatch(r"[\w./-]+@(v\d+|[0-9a-f]{40})", step.get("uses", "a@v1")), step
            assert "${{ inputs." not in step.get("run", ""), "inputs go through the environment, not into the shell"
            assert "${{ github.event" not in step.get("run", ""), step
            if step.get("uses", "").startswith("actions/checkout"):
                assert step["with"]["persist-credentials"] is False, name
            if step.get("uses", "").startswith(KEYLESS):
                assert set(step["with"]) == {"workload_identity_provider", "service_account"}, "keyless"


def test_secrets_are_few_and_known() -> None:
    found = {(p.stem, s) for p in WORKFLOWS for s in re.findall(r"secrets\.(\w+)", p.read_text())}
    assert found == {("nightly", "AUDIT_RPC_URL")}


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


def test_terraform_computes_the_grants_of_init(tmp_path: Path) -> None:
    """Its own evaluation of the tables: locals and variables alone, for which it needs no provider."""
    folder = tmp_path / "deploy" / "terraform"
    shutil.copytree(layout.DATASETS_CSV.parent, tmp_path / "loaders" / "bigquery_setup")
    folder.mkdir(parents=True)
    shutil.copy(TERRAFORM / "variables.tf", folder)
    text = "\n".join((TERRAFORM / name).read_text() for name in ("datasets.tf", "accounts.tf"))
    (folder / "locals.tf").write_text("\n".join(re.findall(r"(?ms)^locals \{.*?^\}", text)))
    names = ("project_roles", "readings", "datasets", "ci_datasets")
    expression = "jsonencode({" + ", ".join(f"{name} = local.{name}" for name in names) + "})\n"
    arguments = ("console", "-var", "project=my-project", "-var", "repository=owner/name")
    found = json.loads(json.loads(terraform_command(folder, *arguments, stdin=expression).strip().splitlines()[-1]))

    granted = {(entry["account"], entry["role"], None) for entry in found["project_roles"].values()}
    granted |= {(entry["reader"], access.READER_ROLE, entry["dataset"]) for entry in found["readings"].values()}
    granted |= {(row["writer"], access.WRITER_ROLE, name) for name, row in found["datasets"].items()}
    assert granted == {(grant.account.name, grant.role, grant.dataset) for grant in access.grants(None)}
    for key, target in (("datasets", Target.PRODUCTION), ("ci_datasets", Target.CI)):
        wanted = {d.name: d.description for d in layout.datasets(target, layout.prefix(target, {}))}
        assert {name: row["description"] for name, row in found[key].items()} == wanted


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


def test_image_runs_as_nobody_special_and_carries_no_secret() -> None:
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text()
    instructions = re.findall(r"^([A-Z]+) (.*)", dockerfile, re.MULTILINE)
    assert [value for name, value in instructions if name == "USER"] == ["poolhouse"]
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored, "what is not listed stays out"
    admitted = [line[1:] for line in ignored if line.startswith("!")]
    for path in admitted:
        assert (ROOT / path).exists(), path
    assert not {".dlt", ".git", ".venv", ".cache", ".poolhouse"} & set(admitted)


def resource(terraform: dict[str, Any], kind: str, name: str) -> dict[str, Any]:
    for block in terraform["resource"]:
        found = block.get(f'"{kind}"', {}).get(f'"{name}"')
        if found is not None:
            return dict(found)
    raise AssertionError(f"no {kind} {name}")

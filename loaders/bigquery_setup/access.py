"""The least that each service account must be allowed: ``accounts.csv`` for the project, ``datasets.csv`` for the rest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from loaders.bigquery_setup.layout import qualified, rows

ACCOUNTS_CSV = Path(__file__).with_name("accounts.csv")
WRITER_ROLE = "roles/bigquery.dataEditor"
READER_ROLE = "roles/bigquery.dataViewer"


class GrantForm(StrEnum):
    """How grants are printed."""

    SHELL = "shell"
    SQL = "sql"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Account:
    name: str
    service_account: str
    """Local part of the address: ``poolhouse-loader`` in ``poolhouse-loader@project.iam.gserviceaccount.com``."""
    description: str

    def email(self, project: str) -> str:
        return f"{self.service_account}@{project}.iam.gserviceaccount.com"


@dataclass(frozen=True, slots=True)
class Grant:
    """``role`` for an account, on a dataset or, where that is None, on the project."""

    account: Account
    role: str
    dataset: str | None


def accounts() -> list[Account]:
    return [Account(row["account"], row["service_account"], row["description"]) for row in rows(ACCOUNTS_CSV)]


def grants(prefix: str | None) -> list[Grant]:
    """Every grant on a target's datasets, the project's first."""
    by_name = {account.name: account for account in accounts()}
    found = [
        Grant(by_name[row["account"]], role, None)
        for row in rows(ACCOUNTS_CSV)
        for role in row["project_roles"].split()
    ]
    for row in rows():
        name = qualified(prefix, row["dataset"])
        found.append(Grant(by_name[row["writer"]], WRITER_ROLE, name))
        found += [Grant(by_name[reader], READER_ROLE, name) for reader in row["readers"].split()]
    return found


def grant_lines(form: GrantForm, project: str, location: str, prefix: str | None) -> Iterator[str]:
    """Grants as a shell script that makes the accounts, too, or as SQL, which cannot grant on a project."""
    if form is GrantForm.SHELL:
        for account in accounts():
            yield f"# {account.description}"
            yield (
                f"gcloud iam service-accounts describe {account.email(project)} --project {project} > /dev/null 2>&1 || "
                f"gcloud iam service-accounts create {account.service_account} --project {project} "
                f'--display-name "Poolhouse {account.name}"'
            )
        yield "# A new account may take a minute to be known. What is refused until then may be repeated, as all of this."
    for grant in grants(prefix):
        if grant.dataset is None:
            command = (
                f"gcloud projects add-iam-policy-binding {project} "
                f"--member serviceAccount:{grant.account.email(project)} --role {grant.role} --condition None"
            )
            yield f"-- {command}" if form is GrantForm.SQL else command
            continue
        statement = (
            f"grant `{grant.role}` on schema `{project}`.`{grant.dataset}` "
            f'to "serviceAccount:{grant.account.email(project)}";'
        )
        if form is GrantForm.SQL:
            yield statement
        else:
            yield f"bq query --project_id={project} --location={location} --use_legacy_sql=false '{statement}'"

"""A running emulator, and how Google's clients find it: by the variables that they read, with a key of nobody's."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from loaders.errors import PoolhouseError
from tests.bigquery_emulator.environment import environment
from tests.loaders.emitter import serve

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Emulator:
    """Its address, and one of its projects, which are there as soon as they are named."""

    url: str
    key: Path
    """A service account's key file."""
    project: str

    def with_project(self, project: str) -> Emulator:
        return replace(self, project=project)

    @property
    def variables(self) -> dict[str, str]:
        """With these any of Google's clients talks to it instead of to BigQuery."""
        return {
            "POOLHOUSE_GCP_PROJECT": self.project,
            "BIGQUERY_EMULATOR_HOST": self.url,
            "GOOGLE_APPLICATION_CREDENTIALS": str(self.key),
            # Google's libraries ask other services about the account: they find nobody outside this machine.
            "HTTPS_PROXY": "http://127.0.0.1:9",
            "NO_PROXY": "127.0.0.1",
        }

    @cached_property
    def client(self) -> Any:
        """Google's own."""
        return bigquery.Client(
            self.project, credentials=AnonymousCredentials(), client_options={"api_endpoint": self.url}
        )

    def copy_dataset(self, dataset: str, database: Path) -> Path:
        """Its tables as a schema of a new DuckDB file, for what asks one."""
        with duckdb.connect(str(database)) as connection:
            connection.execute(f"create schema {dataset}; set TimeZone = 'UTC'")
            for item in self.client.list_tables(dataset):
                if item.table_type == "TABLE":
                    rows = self.client.list_rows(item.reference).to_arrow(create_bqstorage_client=False)
                    connection.register("arrived", rows)
                    connection.execute(f'create table {dataset}."{item.table_id}" as from arrived')
                    connection.unregister("arrived")
        return database


@contextmanager
def running_emulator(folder: Path) -> Iterator[Emulator]:
    """An emulator without data, its files in ``folder``; ends with the block, and with this process."""
    python = environment()
    command = [str(python), "-m", "tests.bigquery_emulator.serve", str(folder)]
    # DuckDB keeps its extensions in the home.
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(python.parents[1])}
    with (
        serve(_give_token) as token_url,
        (folder / "server.log").open("w") as log,
        subprocess.Popen(
            command, cwd=folder, env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
        ) as server,
    ):
        try:
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            if not url:
                raise PoolhouseError("The BigQuery emulator did not start.", f"Its own words are in {log.name}.")
            yield Emulator(url, _write_key(folder / "key.json", token_url), "emulated-project")
        finally:
            server.kill()


def _write_key(path: Path, token_url: str) -> Path:
    """A service account's key file, as Google hands them out; tokens for it come from this machine."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    path.write_text(
        json.dumps(
            {
                "type": "service_account",
                "project_id": "none",
                "private_key_id": "none",
                "private_key": pem,
                "client_email": "nobody@none.iam.gserviceaccount.com",
                "client_id": "1",
                "token_uri": token_url,
            }
        )
    )
    return path


def _give_token(_: bytes) -> tuple[int, dict[str, str], bytes]:
    answer = {"access_token": "none", "expires_in": 3600, "token_type": "Bearer"}
    return 200, {"Content-Type": "application/json"}, json.dumps(answer).encode()

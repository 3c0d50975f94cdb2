"""profiles.yml as dbt renders it: where each target writes, what it may spend, and the credentials that it takes."""

from __future__ import annotations

import json
import os
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
import yaml
from dbt.adapters.bigquery.credentials import BigQueryCredentials, _create_bigquery_defaults, create_google_credentials
from dbt.config.profile import Profile
from dbt.config.renderer import ProfileRenderer
from dbt.flags import set_from_args
from dbt_common.context import set_invocation_context

from loaders.bigquery_setup.layout import Target, prefix
from tests.conftest import ROOT
from tests.loaders.google_cloud import isolated, service_account_file

GIB = 1024**3
# With GOOGLE_CLOUD_PROJECT, as in GitHub's runners, Google's library asks nobody which project a credential is of.
PROJECT = {"POOLHOUSE_GCP_PROJECT": "my-project", "GOOGLE_CLOUD_PROJECT": "my-project"}


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Credentials of a target under an environment of which nothing else is known."""

    def render(target: str, **environment: str) -> BigQueryCredentials:
        for name, value in {**isolated(tmp_path), **PROJECT, **environment}.items():
            monkeypatch.setenv(name, value)
        set_invocation_context(dict(os.environ))
        set_from_args(Namespace(), {})
        raw = yaml.safe_load((ROOT / "profiles.yml").read_text())
        profile = Profile.from_raw_profiles(raw, "poolhouse", ProfileRenderer({}), target_override=target)
        assert isinstance(profile.credentials, BigQueryCredentials)
        return profile.credentials

    return render


@pytest.mark.parametrize("environment", [{"USER": "Ada.Lovelace-1"}, {"POOLHOUSE_BQ_PREFIX": "dev_x", "USER": "ada"}])
def test_targets_write_where_init_makes_datasets(rendered: Any, environment: dict[str, str]) -> None:
    for target in (Target.DEVELOPMENT, Target.CI):
        assert rendered(target.value, **environment).schema == prefix(target, environment)


def test_each_target_has_its_ceiling(rendered: Any) -> None:
    ceilings = {target: rendered(target.value).maximum_bytes_billed for target in Target}
    assert ceilings == {Target.PRODUCTION: 1024 * GIB, Target.DEVELOPMENT: 100 * GIB, Target.CI: 100 * GIB}
    assert rendered("bigquery_dev", POOLHOUSE_BQ_MAXIMUM_BYTES="5000").maximum_bytes_billed == 5000


@pytest.mark.parametrize("target", Target)
def test_takes_whatever_credentials_are_there(rendered: Any, tmp_path: Path, target: Target) -> None:
    login = tmp_path / "application_default_credentials.json"
    login.write_text(
        json.dumps({"type": "authorized_user", "client_id": "a", "client_secret": "b", "refresh_token": "c"})
    )
    federation = tmp_path / "federation.json"
    federation.write_text(
        json.dumps(
            {
                "type": "external_account",
                "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/github",
                "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
                "token_url": "https://sts.googleapis.com/v1/token",
                "credential_source": {"file": str(tmp_path / "token")},
            }
        )
    )
    key = service_account_file(tmp_path, "http://127.0.0.1:9")
    expected = {
        login: "google.oauth2.credentials",
        federation: "google.auth.identity_pool",
        key: "google.oauth2.service_account",
    }
    for path, module in expected.items():
        _create_bigquery_defaults.cache_clear()
        credentials = create_google_credentials(rendered(target.value, GOOGLE_APPLICATION_CREDENTIALS=str(path)))
        assert type(credentials).__module__ == module
    # dbt annotates less than it returns.
    acting: Any = create_google_credentials(
        rendered(target.value, POOLHOUSE_BQ_IMPERSONATE="builder@p.iam.gserviceaccount.com")
    )
    assert acting.service_account_email == "builder@p.iam.gserviceaccount.com"

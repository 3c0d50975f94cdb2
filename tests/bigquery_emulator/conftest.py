"""When these tests run: where they are asked for, and Python 3.13 is found."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.bigquery_emulator.emulator import Emulator, running_emulator
from tests.bigquery_emulator.environment import VARIABLE, NoInterpreter, environment

ASKED = "POOLHOUSE_TEST_BIGQUERY"
"""``required``: fail without Python 3.13. ``possible``: skip then. Unset: skip."""


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """A BigQuery emulator with an empty project, for the session."""
    asked = os.environ.get(ASKED, "")
    if not asked:
        pytest.skip("the BigQuery emulator was not asked for: `make test-bigquery`, or `make test` with Python 3.13")
    try:
        environment()
    except NoInterpreter as error:
        if asked == "required":
            raise
        pytest.skip(f"{error.message} {VARIABLE}=… names one")
    with running_emulator(tmp_path_factory.mktemp("emulator")) as running:
        yield running

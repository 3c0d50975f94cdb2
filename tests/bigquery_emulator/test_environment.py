"""Where the emulator cannot run, nobody takes its tests for passed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bigquery_emulator import environment


def test_it_says_loudly_that_nothing_was_tested(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(environment, "CACHE", tmp_path)
    monkeypatch.setenv(environment.VARIABLE, "no-such-python")
    environment.main()
    said = capsys.readouterr().err.splitlines()
    assert said[0] == said[-1] == "!" * 120
    assert said[1].startswith("The BigQuery emulator is NOT tested. There is no Python 3.13 called no-such-python")

"""The catalogue of checks, the dbt tests and the docs say the same: no check without a row, no row without a test."""

from __future__ import annotations

import re
from collections import Counter

import yaml

from loaders.trust.catalogue import EVERY_MART, load_checks
from loaders.trust.pages import render_pages
from tests.conftest import ROOT

MODELS = ROOT / "models"


def test_every_check_has_one_dbt_test_of_its_name() -> None:
    properties = yaml.safe_load((MODELS / "marts" / "quality" / "data_invariants.yml").read_text())
    tests = [test["check_holds"] for test in properties["models"][0]["data_tests"] if "check_holds" in test]
    declared = Counter((test["arguments"]["check"], test["name"]) for test in tests)
    assert declared == Counter((check.check_id, check.dbt_test) for check in load_checks())
    assert len(declared) >= 17


def test_checks_speak_for_models_that_exist() -> None:
    marts = {path.stem for path in (MODELS / "marts").rglob("*.sql")}
    sources = {f"stg_{path.name}" for path in (MODELS / "staging").iterdir()}
    unknown = {mart for check in load_checks() for mart in check.marts} - marts - sources - {EVERY_MART}
    assert not unknown
    assert all(check.marts for check in load_checks())


def test_trust_is_told_of_every_mart_and_of_every_family_that_is_checked() -> None:
    sql = (MODELS / "intermediate" / "quality" / "int_quality_marts.sql").read_text()
    told = set(re.findall(r"^    '(\w+)': \[", sql, re.MULTILINE))
    marts = {path.stem for path in (MODELS / "marts").rglob("*.sql") if path.parent.name != "quality"}
    assert marts <= told
    assert {mart for check in load_checks() for mart in check.marts} - {EVERY_MART} <= told


def test_pages_are_the_rendering() -> None:
    for path, text in render_pages().items():
        assert path.read_text("utf-8") == text, f"{path.name} is stale: python -m loaders.trust.pages --write"

"""A mart's contract does not change without the CHANGELOG saying so, and what readers are promised is what dbt is told."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from dbt.cli.main import dbtRunner

from loaders.contracts import CHANGELOG, announced, contracts, recorded, with_records
from tests.conftest import ROOT
from tests.warehouse.small_project import write_project

MARTS = ROOT / "models" / "marts"


def documents(folder: Path) -> list[dict[str, Any]]:
    return [yaml.safe_load(path.read_text()) for path in sorted(folder.rglob("*.yml"))]


def test_changelog_has_every_contract_as_it_is() -> None:
    changelog = CHANGELOG.read_text()
    assert recorded(changelog) == contracts(), (
        "A contract changed: say what in the table under Unreleased, then run `python -m loaders.contracts --write`."
    )
    assert set(contracts()) <= announced(changelog), "a mart is missing from the table of changes"
    assert set(contracts()) == {path.stem for path in MARTS.rglob("*.sql")}


CHANGES = {
    "a column is dropped": lambda model: model["columns"].pop(),
    "a column is renamed": lambda model: model["columns"][0].update(name="chain"),
    "a type changes": lambda model: model["columns"][0].update(data_type="string"),
    "NULL comes in": lambda model: model.pop("constraints"),
    "a column is added": lambda model: model["columns"].append({"name": "new", "data_type": "int64"}),
    "it gets a version": lambda model: model.update(versions=[{"v": 2}]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_of_a_contract_shows(tmp_path: Path, change: str) -> None:
    shutil.copytree(MARTS, tmp_path / "marts")
    path = tmp_path / "marts" / "dex" / "dex_volume_daily.yml"
    document = yaml.safe_load(path.read_text())
    CHANGES[change](document["models"][0])
    path.write_text(yaml.safe_dump(document))
    before, after = contracts(), contracts(tmp_path / "marts")
    assert {name for name in before if before[name] != after[name]} == {"dex_volume_daily"}
    changelog = CHANGELOG.read_text()
    assert recorded(changelog) != after
    assert recorded(with_records(changelog, after)) == after


def test_words_are_no_contract(tmp_path: Path) -> None:
    shutil.copytree(MARTS, tmp_path / "marts")
    path = tmp_path / "marts" / "dex" / "dex_volume_daily.yml"
    document = yaml.safe_load(path.read_text())
    document["models"][0]["description"] = "Other words."
    document["models"][0]["columns"].reverse()
    path.write_text(yaml.safe_dump(document))
    assert contracts(tmp_path / "marts") == contracts()


def test_every_mart_has_a_reader_and_every_column_its_words() -> None:
    exposures = yaml.safe_load((ROOT / "models" / "exposures.yml").read_text())["exposures"]
    read = {reference.split("'")[1] for exposure in exposures for reference in exposure["depends_on"]}
    assert read == set(contracts())
    for exposure in exposures:
        assert exposure["owner"]["email"], exposure["name"]
        assert exposure["maturity"] in ("low", "medium", "high")
        assert exposure["url"].startswith("https://")
    for document in documents(MARTS):
        for model in document.get("models", ()):
            assert "**Grain:**" in model["description"], model["name"]
            for column in model["columns"]:
                assert column["description"].strip(), f"{model['name']}.{column['name']}"


def test_what_readers_see_in_the_warehouse_is_documented() -> None:
    """dbt writes descriptions of marts and seeds into the warehouse."""
    project = yaml.safe_load((ROOT / "dbt_project.yml").read_text())
    documented = {"relation": True, "columns": True}
    assert project["models"]["poolhouse"]["marts"]["+persist_docs"] == documented
    assert project["seeds"]["poolhouse"]["+persist_docs"] == documented
    for seed in yaml.safe_load((ROOT / "seeds" / "_seeds.yml").read_text())["seeds"]:
        assert seed["description"].strip(), seed["name"]
        for column in seed.get("columns", ()):
            assert column["description"].strip(), f"{seed['name']}.{column['name']}"


def test_looker_notes_name_what_there_is() -> None:
    """The explores of docs/bi.md: every mart in its schema, every join key a column on the side that is joined."""
    columns = {
        model["name"]: {column["name"] for column in model["columns"]}
        for document in documents(MARTS)
        for model in document.get("models", ())
    }
    schemas = {path.stem: path.parent.name for path in MARTS.rglob("*.sql")}
    notes = (ROOT / "docs" / "bi.md").read_text()
    explores = [line for line in notes.splitlines() if re.match(r"\| [A-Z][\w ]+ \| `\w+\.\w+` \|", line)]
    assert len(explores) >= 8
    for line in explores:
        named = re.findall(r"`(dex|lending|market|quality)\.(\w+)`", line)
        assert all(schemas[mart] == schema for schema, mart in named), line
        for mart, keys in re.findall(r"`\w+\.(\w+)` on `([\w, ]+)`", line):
            assert set(keys.split(", ")) <= columns[mart], line
    assert set(re.findall(r"\$\{TABLE\}\.(\w+)", notes)) <= columns["dex_trades"]
    assert set(re.findall(r"max\((\w+)\) from quality\.data_trust", notes)) <= columns["data_trust"]


@pytest.mark.parametrize(
    ("deprecation_date", "reader", "refused"),
    [
        ("2999-01-01", "select * from {{ ref('trades') }}", ""),
        ("2999-01-01", "select * from {{ ref('trades', v=1) }}", "deprecat"),
        ("2020-01-01", "select * from {{ ref('trades') }}", "deprecat"),
    ],
    ids=["old version kept, latest read", "old version read", "old version kept too long"],
)
def test_versions_as_the_policy_makes_them(tmp_path: Path, deprecation_date: str, reader: str, refused: str) -> None:
    """The example of docs/contracts.md, with its date."""
    example = re.search(r"```yaml\n(.*?)```", (ROOT / "docs" / "contracts.md").read_text(), re.DOTALL)
    assert example is not None
    properties = yaml.safe_load(example[1].replace("dex_trades", "trades"))
    properties["models"][0]["versions"][0]["deprecation_date"] = deprecation_date
    models = {"trades_v1": "select 1 as old", "trades_v2": "select 1 as new", "reader": reader}
    project = write_project(tmp_path / "project", models, properties)
    scratch = str(tmp_path / "target")
    done = dbtRunner().invoke(
        [
            *("--quiet", "--log-level", "none", "parse", "--target", "bigquery_offline", "--target-path", scratch),
            *("--project-dir", str(project), "--profiles-dir", str(project), "--log-path", scratch),
        ]
    )
    if refused:
        assert not done.success
        assert re.search(refused, str(done.exception)), done.exception
        return
    manifest: Any = done.result
    names = {node.unique_id: node.alias for node in manifest.nodes.values()}
    assert names["model.poolhouse.trades.v2"] == "trades", "who reads the table has the latest"
    assert names["model.poolhouse.trades.v1"] == "trades_v1"
    assert manifest.nodes["model.poolhouse.reader"].depends_on.nodes == ["model.poolhouse.trades.v2"]

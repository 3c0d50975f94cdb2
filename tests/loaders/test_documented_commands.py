"""Every `poolhouse`, `dbt` and `make` line of the documentation is one that its command understands."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from dbt.cli.main import cli as dbt_cli

from devnet.cli import app as devnet_app
from loaders.cli import app
from tests.conftest import ROOT


def commands(page: Path) -> Iterator[tuple[str, list[str]]]:
    """Program and words of each command in the page's blocks of code; "…" leaves out what nobody can check."""
    for block in re.findall(r"^```\w*\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE):
        for line in block.replace("\\\n", " ").splitlines():
            for command in re.split(r" [|>]+ | && ", line):
                found = re.match(r"\s*(?:\w+=\S* )*(poolhouse|dbt|make) (.*)", command)
                words = shlex.split(found[2], comments=True) if found else []
                if found and "…" not in words:
                    yield found[1], words


PAGES = [
    page
    for pattern in ("*.md", "docs/**/*.md", "*/README.md")
    for page in sorted(ROOT.glob(pattern))
    if any(commands(page))
]


def understand(command: Any, words: list[str]) -> None:
    """Let Click parse what the command would be given. Raises what it raises."""
    while hasattr(command, "commands"):
        command, words = command.commands[words[0]], words[1:]
    command.make_context(command.name, list(words))


@pytest.fixture(scope="module")
def poolhouse() -> Any:
    whole = typer.Typer()
    whole.registered_commands, whole.registered_groups = list(app.registered_commands), list(app.registered_groups)
    whole.add_typer(devnet_app, name="devnet")
    return typer.main.get_command(whole)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_documented_commands_are_understood(
    page: Path, poolhouse: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DBT_PROFILES_DIR", str(ROOT))
    monkeypatch.setenv("DBT_PROJECT_DIR", str(ROOT))
    (tmp_path / "poolhouse.duckdb").touch()  # options that name a file want it there
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for program, words in commands(page):
        if program == "make":
            assert {word for word in words if "=" not in word} <= targets, words
        else:
            understand(poolhouse if program == "poolhouse" else dbt_cli, words)


def test_commands_are_found_where_they_stand() -> None:
    found = list(commands(ROOT / "docs" / "production.md"))
    assert ("poolhouse", ["init", "bigquery", "--dry-run"]) in found
    assert ("make", ["setup"]) in found
    assert {words[0] for program, words in found if program == "dbt"} == {"build"}


@pytest.mark.parametrize("line", ["poolhouse load --chian ethereum", "poolhouse laod", "dbt build --targets bigquery"])
def test_what_is_no_command_is_refused(poolhouse: Any, line: str) -> None:
    program, *words = line.split()
    with pytest.raises(Exception, match=r"^'laod'$|No such option"):
        understand(poolhouse if program == "poolhouse" else dbt_cli, words)

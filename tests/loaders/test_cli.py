"""The command as a user meets it: each thing that can be wrong is one line, with its remedy, and never shows a key."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import typer
import typer.core
import typer.main

from devnet.node import Anvil
from loaders import cli
from tests.conftest import Run
from tests.loaders.emitter import Emitter, serve

KEY = "s3cretkey0123456789"


@pytest.fixture(scope="module")
def chain() -> Iterator[Emitter]:
    with Anvil() as anvil:
        emitter = Emitter(anvil)
        emitter.mine([1] * 70)
        yield emitter


def failure(done: subprocess.CompletedProcess[str]) -> tuple[str, str]:
    """The message and the remedy; nothing else may be on stderr, least of all a key."""
    assert done.returncode == 1, done.stdout + done.stderr
    assert KEY not in done.stdout + done.stderr
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(lines) == 2, done.stderr
    return lines[0], lines[1]


Load = Callable[..., tuple[str, str]]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Load:
    """Message and remedy of a `poolhouse load` that fails, run in this process."""

    def run(*arguments: str, env: dict[str, str] | None = None) -> tuple[str, str]:
        for name in [n for n in os.environ if n.startswith("POOLHOUSE_") and n != "POOLHOUSE_CACHE"]:
            monkeypatch.delenv(name)
        for name, value in (env or {}).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["poolhouse", "load", *arguments])
        monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capfd.readouterr()
        assert isinstance(ended.value.code, int)
        return failure(subprocess.CompletedProcess(arguments, ended.value.code, out, err))

    return run


def test_missing_url(load: Load) -> None:
    message, remedy = load("--chain", "ethereum")
    assert message == "Error: No RPC URL for ethereum."
    assert "POOLHOUSE_RPC_URL" in remedy


@pytest.mark.parametrize("url", ["ftp://host/x", f"localhost:8545/{KEY}", "http://", "http://host:99999999"])
def test_what_is_no_url(load: Load, url: str) -> None:
    message, remedy = load("--chain", "ethereum", "--rpc-url", url)
    assert "not an http(s) URL" in message
    assert "https://host/" in remedy


def test_unreachable_node(load: Load) -> None:
    message, remedy = load("--chain", "ethereum", "--rpc-url", f"http://127.0.0.1:9/v3/{KEY}")
    assert message.startswith("Error: No node answers at 127.0.0.1:9: no connection")
    assert remedy.startswith("Check the URL")


def test_several_endpoints_that_do_not_serve_are_all_named(load: Load, chain: Emitter) -> None:
    urls = f"http://127.0.0.1:9/v3/{KEY}, ftp://host/{KEY}"
    assert "not an http(s) URL" in load("--chain", "ethereum", "--rpc-url", urls)[0]
    message, remedy = load("--chain", "ethereum", "--rpc-url", f"http://127.0.0.1:9/v3/{KEY}", "--rpc-url", chain.url)
    assert "No node answers at 127.0.0.1:9" in message
    assert "is chain devnet (31337), not ethereum (1)" in message
    assert remedy.startswith("Check the URL")
    # The chain's own variable comes before the one for all.
    environment = {"POOLHOUSE_RPC_URL": chain.url, "POOLHOUSE_RPC_URL_ETHEREUM": f"http://127.0.0.1:9/{KEY}"}
    assert load("--chain", "ethereum", env=environment)[0].startswith("Error: No node answers at 127.0.0.1:9")


def test_unknown_chain_and_protocol(load: Load, chain: Emitter) -> None:
    for url in (["--rpc-url", chain.url], []):
        message, remedy = load("--chain", "etherum", *url)
        assert message == "Error: Unknown chain: 'etherum'."
        assert remedy.startswith("Did you mean ethereum? Known: ")
    message, remedy = load("--chain", "devnet", "--protocol", "uniswop", "--rpc-url", chain.url)
    assert message == "Error: Unknown protocol on devnet: 'uniswop'."
    assert "Did you mean uniswap?" in remedy


def test_node_of_another_chain(load: Load, chain: Emitter) -> None:
    message, remedy = load("--chain", "ethereum", "--rpc-url", chain.url)
    assert "is chain devnet (31337), not ethereum (1)" in message
    assert "--chain devnet" in remedy


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--to-block", "1000000"], "beyond the head of devnet, which is 70"),
        (["--from-block", "71"], "beyond the last block to load, which is 70"),
        (["--from-block", "20", "--to-block", "10"], "--from-block 20 is above --to-block 10"),
        (["--from-block", "-5"], "not negative"),
        (["--last-blocks", "0"], "at least 1"),
        (["--last-blocks", "5", "--from-block", "3"], "exclude each other"),
        (["--blocks", "5,9-7"], "'9-7' is neither a block nor a range of blocks"),
        (["--blocks", "5,-7"], "'-7' is neither a block nor a range of blocks"),
        (["--blocks", "5,71"], "--blocks 71 is beyond the head of devnet, which is 70"),
        (["--blocks", "5", "--to-block", "9"], "--blocks excludes --from-block"),
    ],
)
def test_impossible_ranges(load: Load, chain: Emitter, tmp_path: Path, options: list[str], expected: str) -> None:
    database = str(tmp_path / "w.duckdb")
    message, _ = load("--chain", "devnet", "--rpc-url", chain.url, "--database", database, *options)
    assert expected in message


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--block-files", "blocks"], "--block-files says nothing without --files"),
        (["--filtered-files"], "--filtered-files says nothing without --files"),
        (["--json"], "--json says nothing without --dry-run"),
        (["--price", "0"], "--price says nothing without --dry-run"),
        (["--archive", "a", "--no-archive"], "--archive and --no-archive exclude each other"),
        (["--files", "logs", "--source", "sqd"], "--files and --source exclude each other"),
    ],
)
def test_options_that_would_change_nothing_are_refused(load: Load, options: list[str], expected: str) -> None:
    message, _ = load("--chain", "devnet", "--rpc-url", "http://127.0.0.1:9", *options)
    assert message == f"Error: {expected}."


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, b"<!DOCTYPE html><html>Welcome</html>", "an HTML page that is not JSON-RPC"),
        (200, b"pong", "something that is not JSON-RPC"),
        (404, b"<html>no such page</html>", "HTTP 404 with an HTML page that is not JSON-RPC"),
        (401, b"missing key", "refuses access: HTTP 401"),
        (
            403,
            b'{"jsonrpc":"2.0","id":0,"error":{"code":-32000,"message":"invalid api key ' + KEY.encode() + b'"}}',
            "refuses access",
        ),
        (200, b'{"jsonrpc":"2.0","id":0,"result":"hello"}', "does not answer eth_chainId"),
    ],
)
def test_what_answers_is_no_node(load: Load, status: int, body: bytes, expected: str) -> None:
    with serve(lambda _: (status, {}, body)) as url:
        message, _ = load("--chain", "ethereum", "--rpc-url", f"{url}/v3/{KEY}")
    assert expected in message


def test_bigquery_by_halves(load: Load, chain: Emitter, tmp_path: Path) -> None:
    source = ["--chain", "devnet", "--rpc-url", chain.url, "--destination", "bigquery"]
    source += ["--database", str(tmp_path / "w.duckdb")]
    message, remedy = load(*source)
    assert message == "Error: BigQuery is half configured: POOLHOUSE_GCP_PROJECT is not set."
    assert "POOLHOUSE_GCP_PROJECT" in remedy
    nowhere = {"HOME": str(tmp_path), "CLOUDSDK_CONFIG": str(tmp_path), "NO_GCE_CHECK": "true"}
    message, remedy = load(*source, env={"POOLHOUSE_GCP_PROJECT": "some-project", **nowhere})
    assert message == "Error: There are no credentials for Google Cloud."
    assert "gcloud auth application-default login" in remedy


def test_locked_and_foreign_database_files(load: Load, chain: Emitter, tmp_path: Path) -> None:
    database = tmp_path / "w.duckdb"
    hold = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", hold, str(database)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "held\n"
        options = ["--chain", "devnet", "--rpc-url", chain.url, "--database", str(database), "--no-facts"]
        message, remedy = load(*options, env={"POOLHOUSE_LOCK_WAIT_S": "1"})
        assert message == f"Error: {database} is locked by process {reader.pid}."
        assert "w_serving.duckdb" in remedy
        reader.communicate("")
    foreign = tmp_path / "notes.duckdb"
    foreign.write_text("not a database, however long it may be " * 100)
    message, _ = load("--chain", "devnet", "--rpc-url", chain.url, "--database", str(foreign))
    assert f"{foreign} cannot be opened" in message


def test_a_key_in_the_url_is_stored_nowhere(poolhouse: Run, chain: Emitter, tmp_path: Path) -> None:
    database = tmp_path / "w.duckdb"
    done = poolhouse(
        "load", "--chain", "devnet", "--protocol", "uniswap_v2", "--from-block", "0", "--database", str(database),
        "--no-facts", env={"POOLHOUSE_RPC_URL": f"{chain.url}/?apikey={KEY}"},
    )  # fmt: skip
    assert KEY not in done.stdout + done.stderr
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert written
    for path in written:
        assert KEY.encode() not in path.read_bytes(), path
    with duckdb.connect(str(database), read_only=True) as connection:
        assert connection.execute("select count(*) from raw.uniswap_v2__pair_sync").fetchall() == [(70,)]


def test_load_status_and_query(poolhouse: Run, chain: Emitter, tmp_path: Path) -> None:
    database = str(tmp_path / "w.duckdb")
    for command in (["status"], ["snapshot", "--chain", "devnet", "--rpc-url", chain.url]):
        message, _ = failure(poolhouse(*command, "--database", database, check=False))
        assert "There is no warehouse" in message
        assert not Path(database).exists()
    done = poolhouse(
        "load", "--chain", "devnet", "--protocol", "uniswap_v2", "--last-blocks", "66", "--rpc-url", chain.url,
        "--database", database, "--no-facts", "--no-archive",
    )  # fmt: skip
    assert "devnet: blocks 5 to 70, of which 66 read now; 66 logs" in done.stdout
    assert not list(tmp_path.rglob("*.parquet"))
    shown = poolhouse("status", "--database", database, "--rpc-url", chain.url, env={"COLUMNS": "80"}).stdout
    assert "devnet: head 70, final 6" in shown
    # blocks, tail, holes, to final, to head, logs
    assert ["uniswap_v2", "5–70", "64", "0", "0", "0", "66"] in [line.split() for line in shown.splitlines()]
    assert max(map(len, shown.splitlines())) <= 80
    shown = poolhouse("query", "select sum(log_count) as logs from raw.load_ranges", "--database", database).stdout
    assert shown.split() == ["logs", "66"]
    message, remedy = failure(poolhouse("query", "select * from nothing", "--database", database, check=False))
    assert "nothing does not exist" in message
    assert "show all tables" in remedy
    message, _ = failure(poolhouse("query", "drop table raw.load_ranges", "--database", database, check=False))
    assert "read-only" in message


def test_help_teaches_with_examples(poolhouse: Run) -> None:
    assert "poolhouse load --chain ethereum --last-blocks 1000" in poolhouse("load", "--help").stdout
    overview = poolhouse("--help").stdout
    for command in ("load", "status", "query", "snapshot", "build"):
        assert command in overview


def test_the_examples_are_of_commands_as_they_are() -> None:
    program = typer.main.get_command(cli.app)
    assert isinstance(program, typer.core.TyperGroup)
    told = 0
    commands: dict[tuple[str, ...], Any] = {(name,): command for name, command in program.commands.items()}
    for name, group in program.commands.items():
        if isinstance(group, typer.core.TyperGroup):
            commands |= {(name, part): command for part, command in group.commands.items()}
    for path, command in commands.items():
        for line in (command.epilog or "").splitlines():
            if line.startswith("  poolhouse "):
                words = shlex.split(line.partition(" | ")[0])[1:]
                assert tuple(words[: len(path)]) == path
                command.make_context(path[-1], words[len(path) :])
                told += 1
    assert told > 20


def test_devnet_that_does_not_run(load: Load, tmp_path: Path) -> None:
    message, remedy = load("--chain", "devnet", env={"POOLHOUSE_CACHE": str(tmp_path)})
    assert message == "Error: No devnet is running."
    assert "poolhouse devnet start" in remedy

"""Loads that are killed, stopped, starved of disk or shut out: nothing is lost, nothing counts twice, and each says what it was."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from devnet.node import Anvil
from loaders.errors import PoolhouseError
from loaders.load.duckdb_file import open_locked
from loaders.shutdown import STOPPED_EXIT_CODE
from tests.loaders.emitter import Answer, Emitter, Proxy, serve
from tests.loaders.live import assert_live_is_the_chain, live, rows
from tests.loaders.mortal import STAGES, Mortal
from tests.loaders.test_load import run

KEY = "s3cretkey0123456789"


@pytest.fixture(scope="module")
def chain() -> Iterator[Emitter]:
    with Anvil() as anvil:
        emitter = Emitter(anvil)
        emitter.mine([2, 0, 3] * 50)
        yield emitter


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mortal]:
    with Mortal(tmp_path_factory.mktemp("mortal")) as process:
        yield process


def command(url: str, database: Path, *options: str) -> list[str]:
    source = ["load", "--chain", "devnet", "--protocol", "uniswap_v2", "--from-block", "0", "--rpc-url", url]
    return [*source, "--transactions", "none", "--database", str(database), *options]


def chain_rows(chain: Emitter) -> list[tuple[Any, ...]]:
    return [(block, index, str(int(data[2:66], 16)), str(int(data[66:], 16))) for block, index, data in chain.logs()]


def assert_nothing_is_wrong(chain: Emitter, database: Path) -> None:
    """Whatever was interrupted: what counts is of the chain, each log once, and as many as the ledger says."""
    if not database.exists() or not rows(database, "from duckdb_tables() where table_name = 'load_ranges'"):
        return
    counted = live(database)
    assert len(counted) == len(set(counted))
    assert set(counted) <= set(chain_rows(chain))
    unequal = """
        with complete as (select load_id from raw._dlt_loads where status = 0)
        select load_id, (
            select coalesce(sum(log_count), 0) from raw.load_ranges where _dlt_load_id = load_id and event = 'Sync'
        ) as said, (select count(*) from raw.uniswap_v2__pair_sync where _dlt_load_id = load_id) as there
        from complete where said <> there
    """
    assert rows(database, unequal) == []


def assert_all_is_there(chain: Emitter, database: Path) -> None:
    assert_nothing_is_wrong(chain, database)
    assert_live_is_the_chain(chain, database)
    finals = "select sum(log_count) from raw.load_ranges where event = 'Sync' and finality = 'final'"
    complete = f"{finals} and _dlt_load_id in (select load_id from raw._dlt_loads)"
    assert rows(database, complete) == [(sum(1 for block, *_ in chain.logs() if block <= chain.head - 64),)]


def test_a_load_killed_at_any_stage_is_continued_by_the_next(chain: Emitter, mortal: Mortal, tmp_path: Path) -> None:
    database = tmp_path / "w.duckdb"
    proxy = Proxy(chain.url)
    proxy.fault = _at_most_twenty_blocks
    with serve(proxy.respond) as url:
        for stage in STAGES:
            code, output = mortal.run(*command(url, database), die=stage)
            assert code == -signal.SIGKILL, f"{stage}: {output}"
            assert_nothing_is_wrong(chain, database)
    code, output = mortal.run(*command(chain.url, database))
    assert code == 0, output
    assert_all_is_there(chain, database)
    assert not list(tmp_path.rglob("*.partial"))


def _at_most_twenty_blocks(call: dict[str, Any], answer: Answer) -> Answer:
    question = call["params"][0] if call["method"] == "eth_getLogs" else {}
    if "toBlock" in question and int(question["toBlock"], 16) - int(question["fromBlock"], 16) > 19:
        return {"jsonrpc": "2.0", "id": call["id"], "error": {"code": -32614, "message": "limited to a 20 range"}}
    return answer


class Gate:
    """A node that answers small ranges and, from the n-th request for logs on, only once it is opened."""

    def __init__(self, chain: Emitter, shut_after: int) -> None:
        self.proxy = Proxy(chain.url)
        self.proxy.fault = self._fault
        self.reached, self.opened = threading.Event(), threading.Event()
        self._left = shut_after

    def _fault(self, call: dict[str, Any], answer: Answer) -> Answer:
        if call["method"] == "eth_getLogs":
            self._left -= 1
            if self._left < 0:
                self.reached.set()
                self.opened.wait(60)
        return _at_most_twenty_blocks(call, answer)


def test_a_signal_lets_what_is_under_way_be_loaded(chain: Emitter, mortal: Mortal, tmp_path: Path) -> None:
    database = tmp_path / "w.duckdb"
    gate = Gate(chain, shut_after=4)
    with serve(gate.proxy.respond) as url:
        pid = mortal.start(*command(url, database, "--no-facts", "--threads", "1"))
        assert gate.reached.wait(30), mortal.output()
        os.kill(pid, signal.SIGTERM)
        _until(lambda: "Stopping" in mortal.output())
        gate.opened.set()
        code, output = mortal.wait()
    assert (code, output.splitlines()[-2:]) == (
        STOPPED_EXIT_CODE,
        ["Stopped on request.", "What was read is loaded; run the same command again to continue."],
    )
    assert_nothing_is_wrong(chain, database)
    loaded = len(live(database))
    assert 0 < loaded < len(chain.logs())
    assert rows(database, "select outcome, error, package_count from raw.runs") == [("stopped", None, 1)]
    assert mortal.run(*command(chain.url, database, "--no-facts"))[0] == 0
    assert_all_is_there(chain, database)


def test_a_signal_ends_the_waiting_for_a_node_that_does_not_serve(
    chain: Emitter, mortal: Mortal, tmp_path: Path
) -> None:
    proxy, asked = Proxy(chain.url), threading.Event()

    def busy(call: dict[str, Any], answer: Answer) -> Answer:
        if call["method"] != "eth_getBlockByNumber":
            return answer
        asked.set()
        return {"jsonrpc": "2.0", "id": call["id"], "error": {"code": -32603, "message": "internal error"}}

    proxy.fault = busy
    with serve(proxy.respond) as url:
        pid = mortal.start(*command(url, tmp_path / "w.duckdb"))
        assert asked.wait(30), mortal.output()
        os.kill(pid, signal.SIGTERM)
        code, output = mortal.wait()
    assert (code, output.splitlines()[-2]) == (STOPPED_EXIT_CODE, "Stopped on request.")
    assert list(tmp_path.glob("*.duckdb*")) == []


def test_a_file_that_another_process_is_making_is_left_to_it(tmp_path: Path) -> None:
    """DuckDB locks its file before it writes the headers that tell it from one that was never made."""
    database = tmp_path / "w.duckdb"
    database.write_bytes(b"01234567DUCK")
    hold = "import fcntl, sys; f = open(sys.argv[1], 'r+b'); fcntl.lockf(f, fcntl.LOCK_EX); print('held', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(database)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as maker:
        assert maker.stdout is not None
        assert maker.stdout.readline() == "held\n"
        with pytest.raises(PoolhouseError, match=rf"is locked by process {maker.pid}\."):
            open_locked(database, wait_s=0)
        assert database.read_bytes() == b"01234567DUCK"
        maker.communicate("\n")
    open_locked(database, wait_s=0).close()
    assert database.stat().st_size > 12, "one that nobody is making any more is made anew"


def test_a_second_signal_ends_at_once_and_a_second_writer_is_shut_out(
    chain: Emitter, mortal: Mortal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("POOLHOUSE_LOCK_WAIT_S", "0")
    database = tmp_path / "w.duckdb"
    gate = Gate(chain, shut_after=4)
    with serve(gate.proxy.respond) as url:
        pid = mortal.start(*command(url, database, "--no-facts"))
        assert gate.reached.wait(30), mortal.output()
        with pytest.raises(PoolhouseError, match=rf"is locked by process {pid}\."):
            run(chain, database)
        os.kill(pid, signal.SIGINT)
        _until(lambda: "Stopping" in mortal.output())
        os.kill(pid, signal.SIGTERM)
        assert mortal.wait()[0] == 128 + signal.SIGTERM
        gate.opened.set()
    assert_nothing_is_wrong(chain, database)
    assert mortal.run(*command(chain.url, database, "--no-facts"))[0] == 0
    assert_all_is_there(chain, database)


def _until(is_so: Callable[[], bool]) -> None:
    waited = threading.Event()
    for _ in range(600):
        if is_so():
            return
        waited.wait(0.05)
    pytest.fail("it never came to pass")


def test_a_full_disk_is_one_clear_line_and_no_loss(chain: Emitter, mortal: Mortal, tmp_path: Path) -> None:
    """Whoever meets it: DuckDB making its file, dlt's working folder, DuckDB writing rows."""
    database = tmp_path / "w.duckdb"
    for bytes_allowed in (4_000, 60_000, 200_000):
        code, output = mortal.run(*command(chain.url, database, "--no-facts"), file_size=bytes_allowed)
        message, remedy = output.strip().splitlines()
        assert (code, message[:24]) == (1, "Error: The disk is full:"), output
        assert remedy.startswith("Make room and load again")
        assert_nothing_is_wrong(chain, database)
    assert database.stat().st_size < 200_000, "the limit was met, not missed"
    code, output = mortal.run(*command(chain.url, database, "--no-facts"))
    assert code == 0, output
    assert_all_is_there(chain, database)


def test_runs_are_recorded_and_told_with_their_failures(chain: Emitter, mortal: Mortal, tmp_path: Path) -> None:
    database = tmp_path / "our-warehouse.duckdb"
    refused = command(chain.url, database, "--to-block", "1000000")
    assert mortal.run(*refused)[0] == 1
    assert list(tmp_path.glob("*.duckdb*")) == [], "a refused load leaves no empty warehouse"
    assert mortal.run(*command(chain.url, database))[0] == 0
    code, output = mortal.run(*refused, "--log-json")
    assert code == 1
    events = [json.loads(line) for line in output.splitlines()]
    assert [e["event"] for e in events] == ["connected", "ended", "error"]
    assert (events[1]["outcome"], events[2]["remedy"]) == ("failed", "Use --to-block up to 150, or leave it out.")
    reason = "--to-block 1000000 is beyond the head of devnet, which is 150."
    assert rows(database, "select outcome, error, log_count from raw.runs order by ended_at") == [
        ("succeeded", None, len(chain.logs())),
        ("failed", reason, 0),
    ]
    nobody = mortal.run(*command(f"http://127.0.0.1:9/v3/{KEY}", database))
    assert nobody[0] == 1
    runs = rows(database, "select outcome, error from raw.runs order by ended_at")
    assert [outcome for outcome, _ in runs] == ["succeeded", "failed", "failed"]
    assert str(runs[-1][1]).startswith("No node answers at 127.0.0.1:9: no connection")
    assert KEY not in nobody[1] + str(runs)
    found = json.loads(mortal.run("status", "--json", "--database", str(database))[1])
    (devnet,) = found["chains"]
    assert "aave_v3" in devnet["not_loaded"]
    (family,) = devnet["families"]
    assert (family["final"], family["tail"], family["holes"]) == ([[0, 86]], [[87, 150]], [])
    assert family["blocks_behind_head"] is None, "no node was asked"
    (run,) = devnet["last_runs"]
    assert (run["outcome"], run["error"]) == runs[-1]
    assert devnet["last_success_at"]["load"] < run["ended_at"]


def test_machines_are_told_what_people_see(chain: Emitter, mortal: Mortal, tmp_path: Path) -> None:
    database, file = tmp_path / "w.duckdb", tmp_path / "load.prom"
    gate = Gate(chain, shut_after=4)
    with serve(gate.proxy.respond) as url:
        options = ["--no-facts", "--log-json", "--metrics-port", "0", "--metrics-file", str(file)]
        mortal.start(*command(f"{url}/v3/{KEY}", database, *options))
        assert gate.reached.wait(30), mortal.output()
        serving = next(e for e in _events(mortal) if e["event"] == "metrics")
        with urllib.request.urlopen(f"http://{serving['address']}:{serving['port']}/metrics") as answer:
            while_reading = answer.read().decode()
        gate.opened.set()
        code, output = mortal.wait()
    assert code == 0, output
    assert KEY not in output + while_reading + file.read_text()
    host = url.removeprefix("http://")
    assert 'poolhouse_head_block{chain="devnet"} 150' in while_reading
    assert "poolhouse_loaded_block" not in while_reading, "nothing counts yet"
    written = file.read_text().splitlines()
    for line in (
        'poolhouse_loaded_block{chain="devnet"} 150',
        'poolhouse_lag_blocks{chain="devnet"} 0',
        'poolhouse_pending_blocks{chain="devnet"} 0',
        f'poolhouse_logs_total{{chain="devnet"}} {len(chain.logs())}',
        f'poolhouse_rows_total{{chain="devnet",table="uniswap_v2__pair_sync"}} {len(chain.logs())}',
        f'poolhouse_requests_total{{chain="devnet",endpoint="{host}",outcome="size"}} 1',
        'poolhouse_runs_total{chain="devnet",command="load",outcome="succeeded"} 1',
    ):
        assert line in written
    events = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    names = [e["event"] for e in events]
    assert names.index("connected") < names.index("plan") < names.index("committed") < names.index("ended")
    plan, committed, ended = (next(e for e in events if e["event"] == n) for n in ("plan", "committed", "ended"))
    assert plan["blocks"] == 151
    assert committed["rows"]["uniswap_v2__pair_sync"] == len(chain.logs())
    assert (ended["outcome"], ended["requests_refused"], ended["endpoint_host"]) == ("succeeded", 1, host)
    refused = [e for e in events if e["event"] == "refused"]
    assert [(e["endpoint"], e["kind"], e["count"]) for e in refused] == [(host, "size", 1)]


def _events(mortal: Mortal) -> list[dict[str, Any]]:
    return [json.loads(line) for line in mortal.output().splitlines() if line.startswith("{")]

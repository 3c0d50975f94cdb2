"""Chains kept at their heads: after any reorg, outage and kill, what counts is what the nodes have, each log once."""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

from devnet.node import ETHEREUM, Anvil
from loaders.follow.chain import Choice
from loaders.follow.round import Round
from loaders.follow.run import FollowedEndpoint, FollowRequest, follow
from loaders.load.warehouse import Package
from loaders.reporting.observer import Observer
from loaders.source.base import ChainView
from loaders.source.transactions import TransactionMode
from tests.conftest import Run
from tests.loaders.emitter import Answer, Emitter, Proxy, serve
from tests.loaders.live import assert_live_is_the_chain, live, rows

ETHEREUM_ID = 1
FINALITY = 64
PATIENCE_S = 60.0


class Witness(Observer):
    """Knows, per chain, the head up to which rows count."""

    def __init__(self) -> None:
        self.heads: dict[str, str] = {}
        self.rounds: dict[str, int] = {}
        self._reading: dict[str, str] = {}
        self._changed = threading.Condition()

    def connected(self, chain: str, view: ChainView) -> None:
        assert isinstance(view, Round)
        self._reading[chain] = view.endpoint.head.hash if view.is_caught_up else ""

    def committed(self, chain: str, package: Package, loaded_block: int) -> None:
        del package, loaded_block
        with self._changed:
            self.heads[chain] = self._reading[chain]
            self.rounds[chain] = self.rounds.get(chain, 0) + 1
            self._changed.notify_all()

    def wait_for(self, chain: str, emitter: Emitter) -> None:
        """Until the node's present head is loaded."""
        head = emitter.rpc.call("eth_getBlockByNumber", "latest", False)["hash"]
        with self._changed:
            found = self._changed.wait_for(lambda: self.heads.get(chain) == head, PATIENCE_S)
        assert found, f"{chain} does not get to the head of its node"


@contextmanager
def following(database: Path, *endpoints: FollowedEndpoint, **options: Any) -> Iterator[Witness]:
    """`poolhouse follow` in a thread, ended as a signal would end it."""
    witness, stop = Witness(), threading.Event()
    failures: list[BaseException] = []
    choice = Choice(
        ("uniswap_v2",),
        options.pop("last_blocks", None),
        options.pop("transactions", TransactionMode.NONE),
        with_facts=options.pop("with_facts", False),
    )
    request = FollowRequest(endpoints, database, choice, **{"poll_s": 0.1, "round_s": 0.0, **options})

    def run() -> None:
        try:
            follow(request, witness, stop=stop)
        except BaseException as error:
            failures.append(error)
            raise

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield witness
    finally:
        stop.set()
        thread.join(PATIENCE_S)
    assert not thread.is_alive()
    assert failures == []


@pytest.fixture
def chain() -> Iterator[Emitter]:
    with Anvil() as anvil:
        yield Emitter(anvil)


@pytest.fixture
def mainnet_like() -> Iterator[Emitter]:
    with Anvil(network=ETHEREUM) as anvil:
        yield Emitter(anvil)


def reorganise(chain: Emitter, depth: int) -> None:
    """Replace so many blocks by as many with other logs, and one more."""
    count = min(depth, 5)
    chain.rpc.call("anvil_reorg", depth, [[chain.transaction(50_000 + 100 * depth + i), i] for i in range(count)])
    chain.mine([1])


def announced(name: str, chain: Emitter) -> FollowedEndpoint:
    """The node itself says when there is a block."""
    return FollowedEndpoint(name, chain.url, chain.url.replace("http://", "ws://"))


def test_chains_that_moved_together_share_a_package(chain: Emitter, mainnet_like: Emitter, tmp_path: Path) -> None:
    database = tmp_path / "w.duckdb"
    chain.mine([1])
    mainnet_like.mine([2])
    endpoints = FollowedEndpoint("devnet", chain.url), FollowedEndpoint("ethereum", mainnet_like.url)
    with following(database, *endpoints, last_blocks=1, round_s=10 * PATIENCE_S) as witness:
        witness.wait_for("devnet", chain)
        witness.wait_for("ethereum", mainnet_like)
    shared = "select count(distinct chain_id), count(distinct _dlt_load_id) from raw.load_ranges"
    assert rows(database, shared) == [(2, 1)]
    assert_live_is_the_chain(chain, database)
    assert_live_is_the_chain(mainnet_like, database, ETHEREUM_ID)


def test_chains_that_move_in_turn_make_no_more_packages_than_one(
    chain: Emitter, mainnet_like: Emitter, tmp_path: Path
) -> None:
    """BigQuery counts the loads of a table, whichever chain they are for."""
    database, round_s = tmp_path / "w.duckdb", 2.0
    endpoints = FollowedEndpoint("devnet", chain.url), FollowedEndpoint("ethereum", mainnet_like.url)
    chain.mine([1])
    mainnet_like.mine([1])
    started_at = time.monotonic()
    with following(database, *endpoints, last_blocks=1, round_s=round_s) as witness:
        for _ in range(6):
            chain.mine([1])
            witness.wait_for("devnet", chain)
            mainnet_like.mine([1])
            witness.wait_for("ethereum", mainnet_like)
    most = 1 + int((time.monotonic() - started_at) // round_s)
    packages = int(str(rows(database, "select count(distinct _dlt_load_id) from raw.load_ranges")[0][0]))
    assert 2 <= packages <= most


def test_two_chains_through_reorganisations_up_to_finality(
    chain: Emitter, mainnet_like: Emitter, tmp_path: Path
) -> None:
    database = tmp_path / "w.duckdb"
    chain.mine([2, 0, 1] * 23)
    mainnet_like.mine([1] * 70)
    with following(
        database,
        announced("devnet", chain),
        announced("ethereum", mainnet_like),
        last_blocks=70,
        poll_s=2 * PATIENCE_S,
    ) as witness:
        witness.wait_for("devnet", chain)
        witness.wait_for("ethereum", mainnet_like)
        for depth in (1, 12, 63):
            chain.mine([2])
            witness.wait_for("devnet", chain)
            reorganise(chain, depth)
            mainnet_like.mine([1, 0])
            witness.wait_for("devnet", chain)
            witness.wait_for("ethereum", mainnet_like)
        reorganise(mainnet_like, 33)
        witness.wait_for("ethereum", mainnet_like)
    assert_live_is_the_chain(chain, database)
    assert_live_is_the_chain(mainnet_like, database, ETHEREUM_ID)
    finals = rows(
        database,
        "select from_block, to_block from raw.load_ranges "
        f"where event = 'Sync' and finality = 'final' and chain_id = {ETHEREUM_ID} order by all",
    )
    assert all(later[0] == int(str(earlier[1])) + 1 for earlier, later in itertools.pairwise(finals))
    assert rows(database, "select chain_id, outcome from raw.runs where command = 'follow' order by all") == [
        (ETHEREUM_ID, "succeeded"),
        (31337, "succeeded"),
    ]


def test_a_chain_that_replaces_what_was_final_is_refused_and_nothing_of_it_changes(
    chain: Emitter, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database = tmp_path / "w.duckdb"
    chain.mine([1] * 100)
    with following(database, FollowedEndpoint("devnet", chain.url), last_blocks=500) as witness:
        witness.wait_for("devnet", chain)
        before = live_above(chain)
        reorganise(chain, FINALITY + 6)
        until(lambda: "another than the one that was final" in caplog.text)
    assert live(database) == before


def live_above(chain: Emitter) -> list[tuple[object, ...]]:
    return [(b, i, str(int(d[2:66], 16)), str(int(d[66:], 16))) for b, i, d in chain.logs()]


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_an_outage_of_one_provider_does_not_hold_up_the_other_chain(
    chain: Emitter, mainnet_like: Emitter, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database = tmp_path / "w.duckdb"
    chain.mine([1] * 70)
    mainnet_like.mine([1] * 71)
    proxy = Proxy(chain.url)
    with (
        serve(proxy.respond) as url,
        following(
            database, FollowedEndpoint("devnet", url), FollowedEndpoint("ethereum", mainnet_like.url), last_blocks=71
        ) as witness,
    ):
        witness.wait_for("devnet", chain)
        witness.wait_for("ethereum", mainnet_like)
        proxy.fault = lambda *_: (503, {}, b"down")
        chain.mine([1] * 3)
        until(lambda: "Again in" in caplog.text)
        stale = witness.heads["devnet"]
        mainnet_like.mine([2])
        witness.wait_for("ethereum", mainnet_like)
        assert witness.heads["devnet"] == stale
        proxy.fault = None
        witness.wait_for("devnet", chain)
    assert_live_is_the_chain(chain, database)
    assert_live_is_the_chain(mainnet_like, database, ETHEREUM_ID)


def without_timestamps(call: dict[str, Any], answer: Answer) -> Answer:
    if call["method"] != "eth_getLogs":
        return answer
    return {**answer, "result": [{k: v for k, v in log.items() if k != "blockTimestamp"} for log in answer["result"]]}


def test_a_round_costs_what_its_tail_costs(chain: Emitter, tmp_path: Path) -> None:
    """However long the history; and each transaction is read once, though its block is read in every round."""
    database = tmp_path / "w.duckdb"
    started_at = time.monotonic()
    chain.mine([1] * 300)
    proxy = Proxy(chain.url)
    proxy.fault = without_timestamps
    with (
        serve(proxy.respond) as url,
        following(
            database, FollowedEndpoint("devnet", url), last_blocks=500, transactions=TransactionMode.AUTO, poll_s=3.0
        ) as witness,
    ):
        witness.wait_for("devnet", chain)
        rounds, calls = witness.rounds["devnet"], len(proxy.calls)
        for _ in range(3):
            chain.mine([1, 1])
            witness.wait_for("devnet", chain)
        asked = [call["method"] for call in proxy.calls[calls:]]
        rounds = witness.rounds["devnet"] - rounds
    assert 1 <= rounds <= 6
    assert asked.count("eth_getTransactionByHash") == 6
    questions = [call["params"][0] for call in proxy.calls[calls:] if call["method"] == "eth_getLogs"]
    spans = [int(q["toBlock"], 16) - int(q["fromBlock"], 16) + 1 for q in questions if "toBlock" in q]
    assert len(spans) <= 2 * rounds, "what became final, and the tail"
    assert len(questions) <= 4 * rounds, "each with one block asked by its hash, in doubt"
    assert max(spans) <= FINALITY + 6, "what became final waits in the tail"
    # A dev net guarantees no gap worth having: at worst every header of the tail, beside head, finality and ends.
    assert asked.count("eth_getBlockByNumber") <= (FINALITY + 18) * (rounds + 1)
    finals = rows(database, "select count(*) from raw.load_ranges where finality = 'final' and event = 'Sync'")
    minutes = int((time.monotonic() - started_at) // 60)
    assert 1 <= int(str(finals[0][0])) <= 1 + minutes, "a row of the ledger that stays is not written in every round"
    assert_live_is_the_chain(chain, database)
    read = rows(database, "select count(*), count(distinct tx_hash) from raw.transactions")
    assert read == [(306, 306)]
    for number, seconds in rows(
        database, "select distinct block_number, epoch(block_timestamp)::bigint from raw.uniswap_v2__pair_sync"
    )[::20]:
        header = chain.rpc.call("eth_getBlockByNumber", hex(int(str(number))), False)
        assert int(header["timestamp"], 16) == seconds


@contextmanager
def command(chain: Emitter, database: Path) -> Iterator[subprocess.Popen[str]]:
    arguments = [
        *("--chain", "devnet", "--rpc-url", chain.url, "--database", str(database), "--protocol", "uniswap_v2"),
        *("--last-blocks", "500", "--no-facts", "--poll", "0.1", "--every", "0", "--log-json"),
    ]
    process = subprocess.Popen([sys.executable, "-m", "loaders.cli", "follow", *arguments], stderr=PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for_package(process: subprocess.Popen[str], loaded_block: int) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        event = json.loads(line) if line.startswith("{") else {}
        if event.get("event") == "committed" and event["loaded_block"] >= loaded_block:
            return
    pytest.fail("it ended by itself")


def test_killed_and_ended_it_goes_on_where_it_was(chain: Emitter, tmp_path: Path) -> None:
    database = tmp_path / "w.duckdb"
    chain.mine([2] * 80)
    with command(chain, database) as process:
        wait_for_package(process, chain.head)
        chain.mine([3] * 4)
        time.sleep(0.2)  # somewhere in the round
        process.kill()
    reorganise(chain, 20)
    with command(chain, database) as process:
        wait_for_package(process, chain.head)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    assert_live_is_the_chain(chain, database)


def test_what_another_command_loads_meanwhile_stays_covered(chain: Emitter, tmp_path: Path, poolhouse: Run) -> None:
    """Its tail reaches further down than the followed one, which must not replace it with less."""
    database = tmp_path / "w.duckdb"
    chain.mine([1] * 90)
    with following(database, FollowedEndpoint("devnet", chain.url), last_blocks=10) as witness:
        witness.wait_for("devnet", chain)
        chain.mine([1])
        poolhouse(
            *("load", "--chain", "devnet", "--rpc-url", chain.url, "--database", str(database)),
            *("--protocol", "uniswap_v2", "--from-block", "0", "--no-facts", "--transactions", "none"),
        )
        chain.mine([1])
        witness.wait_for("devnet", chain)
    assert_live_is_the_chain(chain, database)

"""Keep chains at their heads: a thread per chain reads, one thread writes what is ready as one package, again and again."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import duckdb
from dlt.common.destination.exceptions import DestinationException

from loaders.errors import PoolhouseError
from loaders.follow.chain import Choice, FollowedChain
from loaders.follow.reader import ChainReader
from loaders.follow.wake import HeadSubscription, Pauses, Wake
from loaders.follow.writer import ArchiveOfFinals, FollowWriter
from loaders.load.duckdb_file import Locked
from loaders.load.runs import LoadSummary, recorded_run
from loaders.load.warehouse import DestinationName, Warehouse, open_warehouse
from loaders.redact import redact
from loaders.registry.seeds import Registry, load_registry
from loaders.reporting.observer import Observer
from loaders.rpc.configuration import Endpoints
from loaders.session import endpoint_caps, work_directory
from loaders.turn import turn

LOG = logging.getLogger("poolhouse")

DEFAULT_ROUND_S: dict[DestinationName, float] = {"duckdb": 1.0, "bigquery": 60.0}
"""BigQuery accepts 1,500 loads a day of a table: one a minute leaves some for other commands."""
_SUPERSEDED_PER_S = 200
"""Every round leaves the rows of the last tail behind, about 160 bytes each on DuckDB: some 3 GB a day at that rate."""
_LOCK_WAIT_S = 1.0
_TICK_S = 0.2
_FAILURES = (PoolhouseError, DestinationException, duckdb.Error)
"""Of the warehouse: what may pass."""


@dataclass(frozen=True)
class FollowedEndpoint:
    """A chain, and where its node is. ``ws_url`` announces its blocks; without one the node is polled."""

    chain: str
    rpc_url: Endpoints
    ws_url: str = ""


@dataclass(frozen=True)
class FollowRequest:
    """What the user asked for."""

    endpoints: tuple[FollowedEndpoint, ...]
    database: Path
    choice: Choice = field(default_factory=Choice)
    destination: DestinationName = "duckdb"
    archive: Path | str | None = None
    """Folder for the raw logs of final blocks; None keeps none."""
    poll_s: float = 1.0
    """Between looks at a chain whose next block is due."""
    round_s: float | None = None
    """At least that long from one package to the next; None: as the destination and the size of the tail bear it."""
    facts_s: float = 3600.0
    """Between readings of what no event tells."""
    for_s: float | None = None
    """End after that long; None: when asked to."""


def follow(
    request: FollowRequest,
    observer: Observer | None = None,
    registry: Registry | None = None,
    stop: threading.Event | None = None,
) -> list[LoadSummary]:
    """Follow until ``stop`` is set or the time is over; the package under way is finished first. A summary per chain.

    Raises :class:`PoolhouseError` for what cannot become right by waiting: an unknown chain or protocol.
    """
    follower = _Follower(request, observer or Observer(), registry or load_registry(), stop or threading.Event())
    follower.run()
    return [reader.summary for reader in follower.readers]


class _Follower:
    def __init__(self, request: FollowRequest, observer: Observer, registry: Registry, stop: threading.Event) -> None:
        self._request = request
        self._observer = observer
        self._registry = registry
        self._stop = stop
        self._started_at = datetime.now(UTC)
        self._round_s = DEFAULT_ROUND_S[request.destination] if request.round_s is None else request.round_s
        self._pauses = Pauses()
        self._next_package_at = 0.0
        self._last_package_at = float("-inf")
        self._inbox: queue.Queue[ChainReader] = queue.Queue()
        self._families: set[str] = set()
        self.readers: list[ChainReader] = []
        self._subscriptions: list[HeadSubscription] = []
        caps = endpoint_caps(request.database)
        database = str(request.database) if request.destination == "duckdb" else request.destination
        for endpoint in request.endpoints:
            chain = registry.chain(endpoint.chain)
            self._families.update(registry.select_families(chain, request.choice.protocols))
            wake = Wake(chain, request.poll_s)
            followed = FollowedChain(chain, registry, request.choice, database)
            self.readers.append(
                ChainReader(followed, endpoint.rpc_url, caps, wake, self._inbox, stop, facts_s=request.facts_s)
            )
            if endpoint.ws_url:
                self._subscriptions.append(HeadSubscription(chain.name, endpoint.ws_url, wake, stop))
        archives = {}
        if request.archive is not None:
            archives = {
                r.followed.chain.chain_id: ArchiveOfFinals(request.archive, r.followed.chain.chain_id)
                for r in self.readers
            }
            for archive in archives.values():
                archive.sweep()
        self._writer = FollowWriter(self.readers, archives, observer)

    def run(self) -> None:
        end_at = None if self._request.for_s is None else time.monotonic() + self._request.for_s
        for thread in (*self.readers, *self._subscriptions):
            thread.start()
        try:
            while not self._stop.is_set() and (end_at is None or time.monotonic() < end_at):
                if ready := self._ready():
                    self._serve(ready)
        finally:
            self._stop.set()
            for reader in self.readers:
                reader.end()
        self._record()

    def _ready(self) -> list[ChainReader]:
        """Chains that wait for the writer, each once; those that moved at about the same time share a package."""
        try:
            ready = [self._inbox.get(timeout=_TICK_S)]
        except queue.Empty:
            return []
        # Chains that move at different times must not make more packages together than one may.
        gathered_at = max(time.monotonic() + self._round_s / 10, self._last_package_at + self._round_s)
        while len(ready) < len(self.readers) and not self._stop.is_set() and time.monotonic() < gathered_at:
            with contextlib.suppress(queue.Empty):
                ready.append(self._inbox.get(timeout=max(0.0, min(_TICK_S, gathered_at - time.monotonic()))))
        for reader in ready:
            if reader.defect is not None:
                raise reader.defect
        return ready

    def _serve(self, ready: Sequence[ChainReader]) -> None:
        started_at = time.monotonic()
        try:
            with ExitStack() as stack:
                warehouse = self._open(stack)
                tail_logs = self._writer.serve(warehouse, ready) if warehouse is not None else None
            if tail_logs is not None:
                self._last_package_at = started_at
                self._next_package_at = started_at + self._seconds_to_next(tail_logs)
            self._pauses.reset()
        except _FAILURES as error:
            # Whether the package is complete is for the ledger to say.
            for reader in self.readers:
                reader.needs_ledger = True
            pause = self._pauses.next()
            LOG.warning("The warehouse fails: %s Again in %.0f s.", redact(str(error)).splitlines()[0], pause)
            self._stop.wait(pause)
        finally:
            for reader in ready:
                reader.served(not_before=self._next_package_at)

    def _seconds_to_next(self, tail_logs: int) -> float:
        """From a package to the next. Unless the user says how often, the longer, the more of it the next supersedes."""
        return self._round_s if self._request.round_s is not None else max(self._round_s, tail_logs / _SUPERSEDED_PER_S)

    def _open(self, stack: ExitStack) -> Warehouse | None:
        """The warehouse, closed with the stack, once nobody else writes to it; None when asked to stop before."""
        told = False
        while not self._stop.is_set():
            try:
                return self._try_open(stack)
            except Locked as error:
                if not told:
                    LOG.warning("%s Waiting for it; nothing is lost.", redact(error.message))
                told = True
        return None

    def _try_open(self, stack: ExitStack) -> Warehouse:
        """Raises :class:`Locked` when somebody else writes to the file."""
        request = self._request
        with ExitStack() as attempt:
            if request.destination == "duckdb":
                attempt.enter_context(turn(request.database, wait_s=_LOCK_WAIT_S))
            warehouse = attempt.enter_context(
                open_warehouse(
                    request.destination,
                    self._registry.events.with_tables_for(self._families),
                    database=request.database,
                    # Its own: another command that loads into BigQuery must not find packages under way and abort them.
                    root=work_directory(request.database) / "follow",
                    lock_wait_s=_LOCK_WAIT_S,
                )
            )
            stack.push(attempt.pop_all())
        return warehouse

    def _record(self) -> None:
        """A row of ``runs`` for each chain of which something was written."""
        try:
            with ExitStack() as stack:
                warehouse = self._try_open(stack)
                for reader in self.readers:
                    chain, summary = reader.followed.chain, reader.summary
                    host = reader.followed.endpoint.host if reader.followed.endpoint else ""
                    with recorded_run("follow", chain, warehouse, host, summary, self._observer, self._started_at):
                        pass
        except _FAILURES as error:
            LOG.warning("The end of the run is not recorded: %s", redact(str(error)).splitlines()[0])

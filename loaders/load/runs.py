"""The table ``runs``: what each command that loads did, also when it failed or was stopped."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Literal

from loaders.errors import PoolhouseError
from loaders.load.warehouse import Warehouse
from loaders.redact import redact
from loaders.registry.chains import Chain
from loaders.registry.tables import RUNS
from loaders.reporting.observer import Observer
from loaders.rpc.stats import RequestStats
from loaders.shutdown import Stopped

Outcome = Literal["succeeded", "stopped", "failed"]


@dataclass
class LoadSummary:
    """What a load did, filled while it does it."""

    chain: str
    from_block: int = -1
    to_block: int = -1
    """Both ends of what was asked for, inclusive; -1 before they are known."""
    rows: dict[str, int] = field(default_factory=dict)
    packages: list[str] = field(default_factory=list)
    blocks_read: int = 0
    logs: int = 0
    requests_accepted: int = 0
    requests_refused: int = 0
    received_bytes: int = 0
    compute_units: int = 0
    transaction_units: int = 0
    """Compute units of reading transactions, which ``--transactions`` chooses; part of those above."""
    notes: list[str] = field(default_factory=list)
    """What was not done although it was asked for, and why."""

    def add_requests(self, stats: RequestStats) -> None:
        """What a node was asked; once per node."""
        self.requests_accepted += stats.accepted
        self.requests_refused += stats.refused
        self.received_bytes += stats.received_bytes
        self.compute_units += stats.compute_units


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A row of ``runs``: the names are its columns."""

    run_id: str
    command: str
    chain_id: int
    started_at: datetime
    ended_at: datetime
    outcome: Outcome
    error: str | None
    from_block: int | None
    to_block: int | None
    blocks_read: int
    log_count: int
    row_count: int
    package_count: int
    requests_accepted: int
    requests_refused: int
    received_bytes: int
    compute_units: int
    endpoint_host: str
    loader_version: str


@contextmanager
def recorded_run(
    command: str,
    chain: Chain,
    warehouse: Warehouse,
    endpoint_host: str,
    summary: LoadSummary,
    observer: Observer,
    started_at: datetime | None = None,
) -> Iterator[None]:
    """What happens inside is one run: its end, good or bad, is written to ``runs`` and told to the observer."""
    run_id, started_at = uuid.uuid4().hex, started_at or datetime.now(UTC)

    def end(error: Exception | None) -> RunRecord:
        record = RunRecord(
            run_id=run_id,
            command=command,
            chain_id=chain.chain_id,
            started_at=started_at,
            ended_at=datetime.now(UTC),
            outcome="succeeded" if error is None else "stopped" if isinstance(error, Stopped) else "failed",
            error=None if error is None or isinstance(error, Stopped) else _reason(error),
            from_block=None if summary.from_block < 0 else summary.from_block,
            to_block=None if summary.to_block < 0 else summary.to_block,
            blocks_read=summary.blocks_read,
            log_count=summary.logs,
            row_count=sum(summary.rows.values()),
            package_count=len(summary.packages),
            requests_accepted=summary.requests_accepted,
            requests_refused=summary.requests_refused,
            received_bytes=summary.received_bytes,
            compute_units=summary.compute_units,
            endpoint_host=endpoint_host,
            loader_version=version("poolhouse"),
        )
        observer.ended(chain.name, record)
        return record

    try:
        yield
    except Exception as error:
        record = end(error)
        # A refused command leaves no empty warehouse behind; and what went wrong is what the user must hear of, not
        # that it could not be written down either.
        with contextlib.suppress(Exception):
            if not warehouse.is_empty():
                write_run(warehouse, record)
        raise
    write_run(warehouse, end(None))


def write_run(warehouse: Warehouse, record: RunRecord) -> None:
    """A load of its own, so that no package of data waits for it or fails with it."""
    warehouse.write_row(RUNS.name, asdict(record))


def _reason(error: Exception) -> str:
    if isinstance(error, PoolhouseError):
        return redact(error.message)
    return redact(f"{type(error).__name__}: {error}").splitlines()[0][:300]

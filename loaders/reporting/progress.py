"""How a load goes, in one line: share done, range, logs per second and block, requests, bytes, time left."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from loaders.load.runs import LoadSummary
from loaders.plan.filters import Segment
from loaders.reporting.observer import Observer
from loaders.reporting.pace import Pace
from loaders.reporting.traffic import Traffic, traffic_of
from loaders.source.base import Batch, ChainView


class ChainProgress:
    """What is known of one chain's reading."""

    def __init__(self, chain: str) -> None:
        self.chain = chain
        self.pace = Pace()
        self.stage = "connecting"
        self.view: ChainView | None = None
        self.at: tuple[int, int] | None = None
        """The blocks read last."""

    def traffic(self) -> list[Traffic]:
        return traffic_of(self.view) if self.view else []

    def describe(self) -> str:
        """For people: what matters most comes first, where a narrow terminal still shows it."""
        pace, traffic = self.pace, self.traffic()
        parts = []
        if self.at:
            parts.append(f"{time_left(pace.seconds_left)} left")
            parts.append(f"{pace.logs:,} logs, {pace.logs_per_second:,.0f}/s")
        parts.append(_requests(traffic))
        if self.at:
            parts.append(f"blocks {self.at[0]:,}–{self.at[1]:,}, {pace.density:,.3g} logs each")
        parts.append(f"{sum(t.received_bytes for t in traffic) / 1e6:,.1f} MB")
        if len(traffic) > 1:
            total = max(1, sum(t.accepted for t in traffic))
            parts.append(" ".join(f"{t.host} {100 * t.accepted / total:.0f} %" for t in traffic))
        return " · ".join(parts)


class ProgressByChain(Observer):
    """Keeps the progress of every chain that it is told of; what draws it derives from it."""

    def __init__(self) -> None:
        self.chains: dict[str, ChainProgress] = {}

    def of(self, chain: str) -> ChainProgress:
        return self.chains.setdefault(chain, ChainProgress(chain))

    def connected(self, chain: str, view: ChainView) -> None:
        self.of(chain).view = view

    def planned(self, chain: str, segments: Sequence[Segment]) -> None:
        self.of(chain).pace.plan(segments)

    def stage(self, chain: str, name: str) -> None:
        self.of(chain).stage = name

    def batch(self, chain: str, segment: Segment, batch: Batch) -> None:
        progress = self.of(chain)
        progress.at = batch.from_block, batch.to_block
        progress.pace.read(segment, batch.to_block - batch.from_block + 1, len(batch.logs))


class ProgressBar(ProgressByChain):
    """One bar per chain on a terminal, while entered."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=16),
            TextColumn("{task.fields[detail]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            get_time=None,
        )
        self._tasks: dict[str, TaskID] = {}
        self._ticker = Ticker(0.5, self._draw)

    def __enter__(self) -> ProgressBar:
        self._bar.start()
        self._ticker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ticker.stop()
        self._bar.stop()

    def _draw(self) -> None:
        for progress in list(self.chains.values()):
            if progress.chain not in self._tasks:
                self._tasks[progress.chain] = self._bar.add_task(progress.chain, total=1.0, detail="")
            self._bar.update(
                self._tasks[progress.chain],
                description=f"{progress.chain}: {progress.stage}",
                completed=progress.pace.share_done if progress.at else 0.0,
                detail=progress.describe(),
            )


class ProgressLines(ProgressByChain):
    """A plain line per chain every ``seconds``, for logs of schedulers: nothing there may depend on a terminal."""

    def __init__(self, seconds: float, write: Callable[[str], object] = lambda line: print(line, file=sys.stderr)):
        super().__init__()
        self._write = write
        self._ticker = Ticker(seconds, self._print)

    def __enter__(self) -> ProgressLines:
        self._ticker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ticker.stop()

    def _print(self) -> None:
        for progress in list(self.chains.values()):
            share = f" {100 * progress.pace.share_done:.0f} %" if progress.at else ""
            now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
            self._write(f"{now} {progress.chain}: {progress.stage}{share} · {progress.describe()}")


class Ticker:
    """Calls ``tick`` every ``seconds`` on a thread of its own, so that a wait for a slow node is seen as one."""

    def __init__(self, seconds: float, tick: Callable[[], None]) -> None:
        self._seconds = seconds
        self._tick = tick
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="progress", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(self._seconds):
            self._tick()


def time_left(seconds: float | None) -> str:
    """``45 s``, ``12 min``, ``3.5 h``, ``4 d``."""
    if seconds is None:
        return "unknown time"
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.0f} d"


def _requests(traffic: Sequence[Traffic]) -> str:
    accepted = sum(t.accepted for t in traffic)
    refused = sum(sum(t.refused.values()) for t in traffic)
    limited = sum(t.refused.get("rate", 0) for t in traffic)
    text = f"{accepted:,} requests"
    if refused:
        text += f", {refused:,} refused"
    return f"{text} ({limited:,} for their rate)" if limited else text


def print_summary(console: Console, summary: LoadSummary, seconds: float) -> None:
    """Rows per table and what the load cost."""
    if summary.rows:
        table = Table(box=None, pad_edge=False)
        table.add_column("raw table")
        table.add_column("rows", justify="right")
        for name in sorted(summary.rows):
            table.add_row(name, f"{summary.rows[name]:,}")
        console.print(table)
    console.print(
        f"{summary.chain}: blocks {summary.from_block:,} to {summary.to_block:,}, of which {summary.blocks_read:,} read now; "
        f"{summary.logs:,} logs, {summary.requests_accepted:,} requests ({summary.requests_refused:,} refused), "
        f"{seconds:.0f} s.",
        highlight=False,
        soft_wrap=True,
    )
    if summary.compute_units:
        share = f", {summary.transaction_units:,} of them for transactions (--transactions)"
        console.print(
            f"{summary.received_bytes / 1e6:,.1f} MB, {summary.compute_units:,} compute units"
            f"{share if summary.transaction_units else ''}.",
            highlight=False,
            soft_wrap=True,
        )
    for note in summary.notes:
        console.print(note, highlight=False, soft_wrap=True)

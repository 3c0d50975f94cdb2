"""One line that says how a load goes: range, logs per second, requests, time left."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from loaders.load.run import LoadSummary, Observer
from loaders.plan.filters import Segment
from loaders.rpc.node import RequestStats
from loaders.source.base import Batch, ChainView


class LoadProgress(Observer):
    """Draws on ``console`` while entered."""

    def __init__(self, console: Console) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[detail]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self._task = self._bar.add_task("connecting", total=None, detail="")
        self._stats = RequestStats()
        self._started = time.monotonic()
        self._logs = 0

    def __enter__(self) -> LoadProgress:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def planned(self, segments: list[Segment], view: ChainView) -> None:
        self._stats = view.stats
        blocks = sum(s.to_block - s.from_block + 1 for s in segments)
        self._bar.update(self._task, total=blocks or 1, completed=0 if blocks else 1)
        self._started = time.monotonic()

    def batch(self, segment: Segment, batch: Batch) -> None:
        self._logs += len(batch.logs)
        rate = self._logs / max(time.monotonic() - self._started, 1e-3)
        detail = (
            f"{segment.finality} block {batch.to_block:,} · {self._logs:,} logs · {rate:,.0f} logs/s · "
            f"{self._stats.accepted:,} requests, {self._stats.refused:,} refused"
        )
        self._bar.update(self._task, advance=batch.to_block - batch.from_block + 1, detail=detail)

    def stage(self, name: str) -> None:
        self._bar.update(self._task, description=name)


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
    for note in summary.notes:
        console.print(note, highlight=False, soft_wrap=True)

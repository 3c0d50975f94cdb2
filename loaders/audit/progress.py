"""One line that says how far an audit is."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from loaders.audit.live import SampledRange
from loaders.audit.run import AuditedRange, AuditObserver


class AuditProgress(AuditObserver):
    """Draws on ``console`` while entered."""

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), MofNCompleteColumn(), TimeElapsedColumn())
        self._bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._bar.add_task("ranges", total=None)

    def __enter__(self) -> AuditProgress:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def drawn(self, ranges: Sequence[SampledRange]) -> None:
        self._bar.update(self._task, total=len(ranges))

    def audited(self, done: AuditedRange) -> None:
        self._bar.update(self._task, advance=1, description=f"block {done.to_block:,}")

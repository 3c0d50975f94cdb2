"""One line per block that says how far the reading of contract state is."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn


class SnapshotProgress:
    """Draws on ``console`` while entered; call it as :func:`loaders.facts.snapshot.snapshot` reports."""

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), MofNCompleteColumn(), TimeElapsedColumn())
        self._bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._tasks: dict[int, TaskID] = {}

    def __enter__(self) -> SnapshotProgress:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def __call__(self, block_number: int, done: int, known: int) -> None:
        if block_number not in self._tasks:
            self._tasks[block_number] = self._bar.add_task(f"contract state at block {block_number:,}", total=known)
        self._bar.update(self._tasks[block_number], completed=done, total=known)

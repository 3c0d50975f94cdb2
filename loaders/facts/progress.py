"""One line per block that says how far the reading of contract state is."""

from __future__ import annotations

from rich.console import Console
from rich.progress import TaskID

from loaders.reporting.counted import CountedProgress


class SnapshotProgress(CountedProgress):
    """Counts calls per block; call it as :func:`loaders.facts.snapshot.snapshot` reports."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._tasks: dict[int, TaskID] = {}

    def __call__(self, block_number: int, done: int, known: int) -> None:
        if block_number not in self._tasks:
            self._tasks[block_number] = self._bar.add_task(f"contract state at block {block_number:,}", total=known)
        self._bar.update(self._tasks[block_number], completed=done, total=known)

"""One line that says how far an audit is."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from loaders.audit.live import SampledRange
from loaders.audit.run import AuditedRange, AuditObserver
from loaders.reporting.counted import CountedProgress


class AuditProgress(CountedProgress, AuditObserver):
    """Counts ranges."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._task = self._bar.add_task("ranges", total=None)

    def drawn(self, ranges: Sequence[SampledRange]) -> None:
        self._bar.update(self._task, total=len(ranges))

    def audited(self, done: AuditedRange) -> None:
        self._bar.update(self._task, advance=1, description=f"block {done.to_block:,}")

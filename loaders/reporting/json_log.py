"""The same for machines: one JSON object per line and event.

Every object has ``time`` (UTC), ``event`` and ``chain``. Events: ``connected``, ``plan``, ``stage``, ``progress`` (every few
seconds), ``refused`` (requests refused since the last such event, by endpoint and kind), ``committed``, ``ended`` (the run's
row of ``runs``), ``warning`` and ``error`` (message and remedy, where a person would read them), ``metrics`` (where they are
served) and ``stopping``.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from loaders.load.runs import RunRecord
from loaders.load.warehouse import Package
from loaders.plan.filters import Segment
from loaders.redact import redact
from loaders.reporting.progress import ProgressByChain, Ticker
from loaders.source.base import ChainView

_LOGGER = logging.getLogger("poolhouse")
"""Where the parts that know of no observer warn (an endpoint that is left out)."""


class JsonLog(ProgressByChain):
    """Writes while entered; ``seconds`` lie between two events ``progress`` of a chain."""

    def __init__(self, seconds: float, write: Callable[[str], object] = lambda line: print(line, file=sys.stderr)):
        super().__init__()
        self._write = write
        self._ticker = Ticker(seconds, self._tick)
        self._refusals: dict[tuple[str, str, str], int] = {}
        self._warnings = _Warnings(self)

    def __enter__(self) -> JsonLog:
        self._ticker.start()
        _LOGGER.addHandler(self._warnings)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _LOGGER.removeHandler(self._warnings)
        self._ticker.stop()

    def connected(self, chain: str, view: ChainView) -> None:
        super().connected(chain, view)
        self.log(
            "connected",
            chain,
            source=view.source,
            endpoint=view.host,
            head_block=view.head_block,
            final_block=view.final_block,
        )

    def planned(self, chain: str, segments: Sequence[Segment]) -> None:
        super().planned(chain, segments)
        shown = [
            {"from_block": s.from_block, "to_block": s.to_block, "finality": s.finality, "filters": len(s.filters)}
            for s in segments
        ]
        self.log("plan", chain, blocks=self.of(chain).pace.blocks_left, segments=shown)

    def stage(self, chain: str, name: str) -> None:
        super().stage(chain, name)
        self.log("stage", chain, stage=name)

    def committed(self, chain: str, package: Package, loaded_block: int) -> None:
        self.log("committed", chain, load_id=package.load_id, rows=dict(package.rows), loaded_block=loaded_block)

    def ended(self, chain: str, run: RunRecord) -> None:
        self._log_refusals(chain)
        record = {k: v.isoformat() if isinstance(v, datetime) else v for k, v in asdict(run).items()}
        self.log("ended", chain, **record)

    def log(self, event: str, chain: str | None, **details: Any) -> None:
        """One object; secrets are taken out of the whole of it."""
        time = f"{datetime.now(UTC).isoformat(timespec='milliseconds').removesuffix('+00:00')}Z"
        self._write(redact(json.dumps({"time": time, "event": event, "chain": chain, **details})))

    def _tick(self) -> None:
        for progress in list(self.chains.values()):
            self._log_refusals(progress.chain)
            if progress.at is None:
                continue
            pace = progress.pace
            self.log(
                "progress",
                progress.chain,
                from_block=progress.at[0],
                to_block=progress.at[1],
                logs=pace.logs,
                blocks=pace.blocks,
                blocks_left=pace.blocks_left,
                logs_left=round(pace.logs_left),
                logs_per_second=round(pace.logs_per_second, 1),
                logs_per_block=round(pace.density, 4),
                seconds_left=None if pace.seconds_left is None else round(pace.seconds_left, 1),
                endpoints=[asdict(t) for t in progress.traffic()],
            )

    def _log_refusals(self, chain: str) -> None:
        for traffic in self.of(chain).traffic():
            for kind, count in traffic.refused.items():
                before = self._refusals.get((chain, traffic.host, kind), 0)
                if count > before:
                    self._refusals[chain, traffic.host, kind] = count
                    self.log("refused", chain, endpoint=traffic.host, kind=kind, count=count - before)


class _Warnings(logging.Handler):
    def __init__(self, log: JsonLog) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        self._log.log("warning", None, message=record.getMessage())

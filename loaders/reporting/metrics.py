"""What Prometheus reads: metrics of a load or a following of the head, in its text format.

Counters begin at 0 with the process, as Prometheus expects of them. docs/operations.md lists all with their meaning.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from importlib.metadata import version

from loaders.load.runs import RunRecord
from loaders.load.warehouse import Package
from loaders.plan.filters import Segment
from loaders.reporting.progress import ProgressByChain
from loaders.source.base import Batch, ChainView

_HELP: dict[str, tuple[str, str]] = {
    "poolhouse_build_info": ("gauge", "Version of Poolhouse, as a label of the value 1."),
    "poolhouse_logs_total": ("counter", "Logs read and verified."),
    "poolhouse_blocks_total": ("counter", "Blocks read, each once per set of filters."),
    "poolhouse_rows_total": ("counter", "Rows of completed packages, by raw table."),
    "poolhouse_packages_total": ("counter", "Completed packages."),
    "poolhouse_requests_total": ("counter", "Requests by endpoint and outcome: ok, or the kind of refusal."),
    "poolhouse_received_bytes_total": ("counter", "Bytes of answers, by endpoint."),
    "poolhouse_compute_units_total": (
        "counter",
        "Compute units that the requests cost, by endpoint, as its provider counts.",
    ),
    "poolhouse_head_block": ("gauge", "Newest block of the source."),
    "poolhouse_final_block": ("gauge", "Newest block that counts as final."),
    "poolhouse_loaded_block": ("gauge", "Newest block whose rows count, of what this process loaded."),
    "poolhouse_lag_blocks": ("gauge", "Blocks between the newest loaded one and the head."),
    "poolhouse_loaded_timestamp_seconds": ("gauge", "Timestamp of the newest loaded block."),
    "poolhouse_pending_blocks": ("gauge", "Blocks that are planned and not read yet."),
    "poolhouse_runs_total": ("counter", "Runs that ended, by outcome: succeeded, stopped, failed."),
    "poolhouse_last_success_timestamp_seconds": ("gauge", "When the last run succeeded."),
}

_Labels = tuple[tuple[str, str], ...]


class Samples:
    """Values by name and labels. Thread-safe."""

    def __init__(self) -> None:
        self._values: dict[str, dict[_Labels, float]] = {}
        self._lock = threading.Lock()

    def set(self, name: str, value: float, **labels: str) -> None:
        with self._lock:
            self._values.setdefault(name, {})[tuple(labels.items())] = value

    def add(self, name: str, value: float, **labels: str) -> None:
        with self._lock:
            values = self._values.setdefault(name, {})
            key = tuple(labels.items())
            values[key] = values.get(key, 0) + value

    def text(self) -> str:
        """All samples in the exposition format, version 0.0.4."""
        lines = []
        with self._lock:
            for name, (kind, meaning) in _HELP.items():
                if name in self._values:
                    lines += [f"# HELP {name} {meaning}", f"# TYPE {name} {kind}"]
                    lines += [f"{name}{_label_text(key)} {value!r}" for key, value in self._values[name].items()]
        return "\n".join(lines) + "\n"


def _label_text(labels: _Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escape(value)}"' for name, value in labels) + "}"


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


class Metrics(ProgressByChain):
    """Keeps the samples; :meth:`text` reads the counters of requests afresh."""

    def __init__(self) -> None:
        super().__init__()
        self.samples = Samples()
        self.samples.set("poolhouse_build_info", 1, version=version("poolhouse"))
        self._block_times: dict[str, dict[int, int]] = {}
        self._loaded: dict[str, int] = {}

    def connected(self, chain: str, view: ChainView) -> None:
        super().connected(chain, view)
        self.samples.set("poolhouse_head_block", view.head_block, chain=chain)
        self.samples.set("poolhouse_final_block", view.final_block, chain=chain)
        self._set_lag(chain)

    def planned(self, chain: str, segments: Sequence[Segment]) -> None:
        super().planned(chain, segments)
        self.samples.set("poolhouse_pending_blocks", self.of(chain).pace.blocks_left, chain=chain)

    def batch(self, chain: str, segment: Segment, batch: Batch) -> None:
        super().batch(chain, segment, batch)
        self.samples.add("poolhouse_logs_total", len(batch.logs), chain=chain)
        self.samples.add("poolhouse_blocks_total", batch.to_block - batch.from_block + 1, chain=chain)
        self.samples.set("poolhouse_pending_blocks", self.of(chain).pace.blocks_left, chain=chain)
        if batch.end is not None:
            self._block_times.setdefault(chain, {})[batch.end.number] = batch.end.timestamp

    def committed(self, chain: str, package: Package, loaded_block: int) -> None:
        self.samples.add("poolhouse_packages_total", 1, chain=chain)
        for table, rows in package.rows.items():
            self.samples.add("poolhouse_rows_total", rows, chain=chain, table=table)
        times = self._block_times.pop(chain, {})
        if loaded_block >= self._loaded.get(chain, 0):
            self._loaded[chain] = loaded_block
            self.samples.set("poolhouse_loaded_block", loaded_block, chain=chain)
            if loaded_block in times:
                self.samples.set("poolhouse_loaded_timestamp_seconds", times[loaded_block], chain=chain)
            self._set_lag(chain)

    def ended(self, chain: str, run: RunRecord) -> None:
        self.samples.add("poolhouse_runs_total", 1, chain=chain, command=run.command, outcome=run.outcome)
        if run.outcome == "succeeded":
            ended_at = round(run.ended_at.timestamp(), 3)
            self.samples.set("poolhouse_last_success_timestamp_seconds", ended_at, chain=chain, command=run.command)

    def text(self) -> str:
        for progress in list(self.chains.values()):
            for traffic in progress.traffic():
                labels = {"chain": progress.chain, "endpoint": traffic.host}
                self.samples.set("poolhouse_requests_total", traffic.accepted, **labels, outcome="ok")
                for kind, count in traffic.refused.items():
                    self.samples.set("poolhouse_requests_total", count, **labels, outcome=kind)
                self.samples.set("poolhouse_received_bytes_total", traffic.received_bytes, **labels)
                self.samples.set("poolhouse_compute_units_total", traffic.compute_units, **labels)
        return self.samples.text()

    def _set_lag(self, chain: str) -> None:
        view = self.of(chain).view
        if view is not None and chain in self._loaded:
            self.samples.set("poolhouse_lag_blocks", max(0, view.head_block - self._loaded[chain]), chain=chain)

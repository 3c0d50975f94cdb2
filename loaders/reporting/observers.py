"""Which observers a command that loads has, from its options."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from loaders.errors import PoolhouseError
from loaders.reporting.json_log import JsonLog
from loaders.reporting.metrics import Metrics
from loaders.reporting.metrics_export import served, written
from loaders.reporting.observer import Observer, Observers
from loaders.reporting.progress import ProgressBar, ProgressLines

_LINE_EVERY_S = 30.0
_EVENT_EVERY_S = 5.0


@dataclass(frozen=True, slots=True)
class Reporting:
    """How the user wants to be kept informed."""

    log_json: bool = False
    metrics_port: int | None = None
    metrics_host: str = "127.0.0.1"
    metrics_file: Path | None = None


@contextmanager
def reporting(how: Reporting) -> Iterator[Observer]:
    """On stderr: JSON lines if asked for, a bar on a terminal, else a line now and then. And metrics, where asked for."""
    console = Console(stderr=True)
    with ExitStack() as stack:
        observers: list[Observer] = []
        log = stack.enter_context(JsonLog(_EVENT_EVERY_S)) if how.log_json else None
        if log is not None:
            observers.append(log)
        elif console.is_terminal:
            observers.append(stack.enter_context(ProgressBar(console)))
        else:
            observers.append(stack.enter_context(ProgressLines(_LINE_EVERY_S)))
        try:
            if how.metrics_port is not None or how.metrics_file is not None:
                observers.append(_metrics(how, stack, log))
            yield Observers(observers)
        except PoolhouseError as error:
            if log is None:
                raise
            log.log("error", None, message=error.message, remedy=error.remedy)
            raise SystemExit(error.exit_code) from None


def _metrics(how: Reporting, stack: ExitStack, log: JsonLog | None) -> Metrics:
    metrics = Metrics()
    if how.metrics_port is not None:
        port = stack.enter_context(served(metrics, how.metrics_host, how.metrics_port))
        if log is not None:
            log.log("metrics", None, address=how.metrics_host, port=port)
    if how.metrics_file is not None:
        stack.enter_context(written(metrics, how.metrics_file))
    return metrics

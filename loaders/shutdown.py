"""Ending on request: SIGTERM and SIGINT let what is under way be finished, a second one ends the process at once.

Both are safe: rows count only by the ledger, which is written with them, so that nothing half-written is ever seen. The
first only saves the work of the package under way.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from loaders.errors import PoolhouseError

STOPPED_EXIT_CODE = 75
"""EX_TEMPFAIL of sysexits.h: nothing is wrong, run it again."""

_NOTICE = b"\nStopping: what is under way is finished first. Once more ends at once.\n"
_JSON_NOTICE = b'{"event": "stopping"}\n'


class Stopped(PoolhouseError):
    """The command was asked to end; what was complete is loaded."""

    exit_code = STOPPED_EXIT_CODE

    def __init__(self) -> None:
        super().__init__("Stopped on request.", "What was read is loaded; run the same command again to continue.")


@contextmanager
def stop_on_signals(*, as_json: bool = False) -> Iterator[threading.Event]:
    """An event that the first SIGTERM or SIGINT sets, saying so on stderr. Main thread only."""
    stop = threading.Event()
    notice = _JSON_NOTICE if as_json else _NOTICE

    def on_signal(number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()
        os.write(2, notice)

    previous = {number: signal.signal(number, on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)

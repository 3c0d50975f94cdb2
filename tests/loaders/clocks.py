"""A clock that only waiting moves."""

from __future__ import annotations

import threading

from loaders.rpc.throttle import Clock


class SteppedClock(Clock):
    """Waiting takes no time; ``waited`` has each wait in seconds. ``stop`` is set as soon as someone waits until it is."""

    def __init__(self, stop: threading.Event | None = None) -> None:
        self.seconds = 0.0
        self.waited: list[float] = []
        self._stop = stop

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.seconds += seconds

    def wait(self, seconds: float, stop: threading.Event) -> None:
        if self._stop:
            self._stop.set()
        elif not stop.is_set():
            self.sleep(seconds)

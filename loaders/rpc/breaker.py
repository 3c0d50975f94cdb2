"""A circuit breaker: an endpoint that keeps failing is left alone for a while, then tried with a single request."""

from __future__ import annotations

import threading
from typing import Literal

from loaders.rpc.throttle import Clock

_FAILURES = 5
_FIRST_OPEN_S = 15.0
_LONGEST_OPEN_S = 600.0

State = Literal["closed", "open", "half-open"]


class Breaker:
    """Opens after some failures in a row, each time for twice as long. Thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures = 0
        self._open_s = 0.0
        self._open_until = 0.0
        self._probe_until = 0.0
        self._lock = threading.Lock()

    @property
    def state(self) -> State:
        if not self._open_s:
            return "closed"
        return "open" if self._clock.now() < self._open_until else "half-open"

    @property
    def admits(self) -> bool:
        """Whether a request may be tried: half-open admits one at a time."""
        return self.state == "closed" or (self.state == "half-open" and self._clock.now() >= self._probe_until)

    def enter(self) -> None:
        """A request leaves."""
        with self._lock:
            if self.state == "half-open":
                # A probe that never comes back holds the next one up no longer than the breaker itself would.
                self._probe_until = self._clock.now() + self._open_s

    def succeeded(self) -> None:
        with self._lock:
            self._failures = 0
            self._open_s = 0.0

    def failed(self) -> None:
        with self._lock:
            self._failures += 1
            # Requests that left before it opened say nothing new.
            if self.state == "half-open" or (self.state == "closed" and self._failures >= _FAILURES):
                self._open(min(2 * self._open_s or _FIRST_OPEN_S, _LONGEST_OPEN_S))

    def trip(self) -> None:
        """Open at once for the longest time: no retry helps soon (a key or a quota)."""
        with self._lock:
            self._open(_LONGEST_OPEN_S)

    def _open(self, seconds: float) -> None:
        self._open_s = seconds
        self._open_until = self._clock.now() + seconds
        self._probe_until = 0.0

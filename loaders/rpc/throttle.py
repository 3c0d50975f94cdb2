"""How much an endpoint is asked at a time: a budget of compute units per second, and as many requests as it bears.

Waiting goes through a :class:`Clock`, so that tests need not wait.
"""

from __future__ import annotations

import threading
import time


class Clock:
    """Monotonic seconds, and waiting."""

    def now(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait in full."""
        time.sleep(seconds)

    def wait(self, seconds: float, stop: threading.Event) -> None:
        """Wait until ``stop`` is set, ``seconds`` at most."""
        stop.wait(seconds)


class Budget:
    """A token bucket: in any span of t seconds at most ``per_second`` × (t + 1) units are spent. Thread-safe.

    Units are spent in the order in which they were reserved. A request dearer than a whole second's budget is paid in
    full before it leaves.
    """

    def __init__(self, per_second: float, clock: Clock) -> None:
        self._per_second = per_second
        self._clock = clock
        self._left = per_second
        self._counted_at = clock.now()
        self._lock = threading.Lock()

    def reserve(self, units: float) -> float:
        """Seconds to wait before a request of so many units may leave; the units are spent from now on."""
        with self._lock:
            self._refill()
            self._left -= units
            return max(0.0, -self._left / self._per_second)

    def wait_s(self, units: float) -> float:
        """What :meth:`reserve` would return, without reserving."""
        with self._lock:
            self._refill()
            return max(0.0, (units - self._left) / self._per_second)

    def _refill(self) -> None:
        now = self._clock.now()
        self._left = min(self._per_second, self._left + (now - self._counted_at) * self._per_second)
        self._counted_at = now


class Concurrency:
    """Requests under way at a time: one more per round of answers, half as many when told to slow down. Thread-safe."""

    _FIRST = 4

    def __init__(self, most: int) -> None:
        self._most = most
        self._limit = float(min(self._FIRST, most))
        self._under_way = 0
        self._generation = 0
        self._changed = threading.Condition()

    @property
    def limit(self) -> int:
        return int(self._limit)

    @property
    def is_full(self) -> bool:
        return self._under_way >= int(self._limit)

    def enter(self) -> int:
        """Wait for a free place; returns what :meth:`slow_down` wants to know."""
        with self._changed:
            self._changed.wait_for(lambda: not self.is_full)
            self._under_way += 1
            return self._generation

    def leave(self) -> None:
        with self._changed:
            self._under_way -= 1
            self._changed.notify()

    def speed_up(self) -> None:
        with self._changed:
            self._limit = min(float(self._most), self._limit + 1 / self._limit)
            self._changed.notify()

    def slow_down(self, generation: int) -> bool:
        """Halve, unless a request that left together with this one has done so already; whether it did."""
        with self._changed:
            if generation != self._generation:
                return False
            self._generation += 1
            self._limit = max(1.0, self._limit / 2)
            return True

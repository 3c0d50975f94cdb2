"""How often an answer without logs is asked again before it is believed."""

from __future__ import annotations

import threading

_ALWAYS = 30
"""So many empty answers are all asked for again."""
_ONE_IN = 8
"""After them, one in so many, as long as none was wrong."""
_TIMES_FOR_LIARS = 3
"""Once one was wrong, every one, so many times."""


class EmptyAnswers:
    """What became of the empty answers of a load. Where few logs are to be expected, nothing else gives a false one away."""

    def __init__(self) -> None:
        self._seen = 0
        self._has_lied = False
        self._lock = threading.Lock()

    def times_to_ask(self) -> int:
        """For one more empty answer."""
        with self._lock:
            self._seen += 1
            if self._has_lied:
                return _TIMES_FOR_LIARS
            return 1 if self._seen <= _ALWAYS or self._seen % _ONE_IN == 0 else 0

    def asked(self, was_empty: bool) -> None:
        """Asked again, the answer was as empty as before, or not."""
        with self._lock:
            self._has_lied = self._has_lied or not was_empty

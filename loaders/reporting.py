"""Which observers a command that loads has, from its options."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from loaders.observer import Observer
from loaders.progress import ProgressBar, ProgressLines

_LINE_EVERY_S = 30.0


@contextmanager
def reporting() -> Iterator[Observer]:
    """A bar on a terminal, else a line now and then, both on stderr."""
    console = Console(stderr=True)
    with ProgressBar(console) if console.is_terminal else ProgressLines(_LINE_EVERY_S) as shown:
        yield shown

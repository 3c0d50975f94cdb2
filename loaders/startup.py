"""What a process that loads does once, before it imports anything large: both save CPU time that buys nothing."""

from __future__ import annotations

import gc
import sys
from importlib.abc import MetaPathFinder


def prepare() -> None:
    """Look for cycles of objects less often, and keep pandas out."""
    # A load makes a thousand modules that stay and columns that no cycle holds.
    gc.set_threshold(50_000)
    sys.meta_path.insert(0, _WithoutPandas())


class _WithoutPandas(MetaPathFinder):
    """pyarrow imports pandas wherever it is installed, which takes 1.5 s; nothing in a load uses it."""

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:  # noqa: ARG002
        if fullname == "pandas":
            raise ModuleNotFoundError(fullname)

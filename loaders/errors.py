"""The one exception a user may see: what went wrong, and how to mend it."""

from __future__ import annotations


class PoolhouseError(Exception):
    """A failure that the user can act on.

    The command line prints ``message`` and ``remedy`` on one line each and exits with :attr:`exit_code`, without a traceback.
    Neither may carry a secret: pass every URL through :func:`loaders.redact.redact` first.
    """

    exit_code = 1

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}"

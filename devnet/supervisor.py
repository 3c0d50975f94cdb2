"""Keeps one background node: starts it, and ends it when its time is up or its state file is gone.

`python -m devnet.supervisor [--background] NETWORK PORT MAX_SECONDS STATE_FILE TOKEN`. Whoever wants the node to stop
removes the state file (or lets another start replace it): no process is ever signalled by an id read from a file, which
may be somebody else's by then.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

from devnet.node import NETWORKS, Network, command, end
from loaders.file_lock import exclusive

LOCK = "node.lock"
"""Held, next to the state file, as long as a node runs."""
_POLL_S = 0.2
_PREDECESSOR_TIMEOUT_S = 30.0
_PR_SET_PDEATHSIG = 1


def holds(state_file: Path, token: str) -> bool:
    """True while the state file is the one with ``token``."""
    try:
        return bool(json.loads(state_file.read_text(encoding="utf-8"))["token"] == token)
    except (OSError, ValueError, KeyError):
        return False


def supervise(network: Network, port: int, max_seconds: float, state_file: Path, token: str) -> None:
    """Run a node until it ends by itself, its time is up, or ``state_file`` no longer holds ``token``.

    Prints the node's process id once it runs.
    """
    signal.signal(signal.SIGTERM, _leave)
    quiet = subprocess.DEVNULL
    # the one before may need a moment to leave
    with exclusive(state_file.with_name(LOCK), timeout_s=_PREDECESSOR_TIMEOUT_S):
        deadline = time.monotonic() + max_seconds
        node = subprocess.Popen(
            command(port, network),
            stdin=quiet,
            stdout=quiet,
            stderr=quiet,
            preexec_fn=_die_with_the_supervisor,  # noqa: PLW1509 - this process has one thread
        )
        print(node.pid, flush=True)
        try:
            while node.poll() is None and time.monotonic() < deadline and holds(state_file, token):
                time.sleep(_POLL_S)
        finally:
            end(node)
            if holds(state_file, token):
                state_file.unlink(missing_ok=True)


def _leave(number: int, frame: FrameType | None) -> None:
    del frame
    sys.exit(128 + number)


def _die_with_the_supervisor() -> None:
    # even a supervisor that is killed outright must not leave a node behind; other systems lack the call
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def main(arguments: list[str]) -> None:
    """With ``--background`` the process that was started leaves at once, and a child in a session of its own goes on."""
    if arguments[0] == "--background":
        arguments = arguments[1:]
        if os.fork():
            os._exit(0)
        os.setsid()
    network, port, max_seconds, state_file, token = arguments
    supervise(NETWORKS[network], int(port), float(max_seconds), Path(state_file), token)


if __name__ == "__main__":
    main(sys.argv[1:])

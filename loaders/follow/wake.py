"""When to look at a chain again: at the earliest when its next block can be there, or when the node says that it is."""

from __future__ import annotations

import json
import logging
import random
import threading
import time
from collections.abc import Callable

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from loaders.redact import host, without_keys_of
from loaders.registry.chains import Chain
from loaders.rpc.endpoint import Header

LOG = logging.getLogger("poolhouse")

_SUBSCRIBED_POLL_S = 30.0
"""While a node announces its blocks, it is asked that seldom: a subscription may die without a word."""
_LONGEST_PAUSE_S = 60.0
_CONNECT_TIMEOUT_S = 10.0
_SUBSCRIBE = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"]})


class Pauses:
    """Growing pauses between attempts at something that fails: doubled each time, with jitter, at most a minute."""

    def __init__(self, first_s: float = 1.0) -> None:
        self._first_s = first_s
        self.failures = 0

    def next(self) -> float:
        """Seconds to wait before the next attempt."""
        longest = min(_LONGEST_PAUSE_S, self._first_s * 2**self.failures)
        self.failures = min(self.failures + 1, 16)
        return float(longest * random.uniform(0.75, 1.0))  # noqa: S311 (jitter, not a secret)

    def reset(self) -> None:
        self.failures = 0


def seconds_to_next_block(head: Header, chain: Chain, poll_s: float, now: float) -> float:
    """How long to wait before asking for the head again; ``now`` is the Unix time.

    Where a chain guarantees a gap between blocks, none is to be expected before it has passed. A clock that is wrong costs
    at most that gap.
    """
    gap = chain.guaranteed_gap_s(head.number, head.number + 1)
    return max(poll_s, min(head.timestamp + gap - now, gap))


class Wake:
    """What a chain's reader sleeps on: woken by a new head where the node announces them, else by time."""

    def __init__(self, chain: Chain, poll_s: float) -> None:
        self._chain = chain
        self._poll_s = poll_s
        self._event = threading.Event()
        self.is_announced = False
        """Whether a subscription is alive."""

    def set(self) -> None:
        self._event.set()

    def wait(self, head: Header) -> None:
        """Until the next block is announced or may be there."""
        seconds = seconds_to_next_block(head, self._chain, self._poll_s, time.time())
        self._event.wait(max(seconds, _SUBSCRIBED_POLL_S) if self.is_announced else seconds)
        self._event.clear()


class HeadSubscription(threading.Thread):
    """Wakes a chain's reader at every block that the node announces (``newHeads``).

    What is announced is not used: everything is read by HTTP and verified there, so that there is one way in.
    """

    def __init__(self, chain: str, url: str, wake: Wake, stop: threading.Event) -> None:
        super().__init__(name=f"heads of {chain}", daemon=True)
        self._chain = chain
        self._url = url
        self._wake = wake
        # Not _stop: threads have one of their own.
        self._ending = stop

    def run(self) -> None:
        pauses = Pauses()
        while not self._ending.is_set():
            try:
                with connect(self._url, open_timeout=_CONNECT_TIMEOUT_S, close_timeout=1.0) as connection:
                    self._listen(connection, pauses.reset)
            except (OSError, TimeoutError, ValueError, WebSocketException) as error:
                reason = without_keys_of(self._url, str(error)) or type(error).__name__
                pause = pauses.next()
                LOG.warning(
                    "%s: %s announces no blocks (%s); polling, and subscribing again in %.0f s",
                    self._chain, host(self._url), reason, pause,
                )  # fmt: skip
                self._ending.wait(pause)
            finally:
                self._wake.is_announced = False

    def _listen(self, connection: Connection, confirmed: Callable[[], None]) -> None:
        connection.send(_SUBSCRIBE)
        while not self._ending.is_set():
            try:
                message = json.loads(connection.recv(timeout=1.0))
            except TimeoutError:
                continue
            if "error" in message:
                raise ValueError(str(message["error"].get("message", "refused")))
            confirmed()
            self._wake.is_announced = True
            if message.get("method") == "eth_subscription":
                self._wake.set()

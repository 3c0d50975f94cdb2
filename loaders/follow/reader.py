"""The thread that reads one chain, ahead of the one that writes."""

from __future__ import annotations

import logging
import queue
import threading
import time

from loaders.errors import PoolhouseError
from loaders.follow.chain import FollowedChain
from loaders.follow.round import Round
from loaders.follow.wake import Pauses, Wake
from loaders.load.package import ChainMoved
from loaders.load.runs import LoadSummary
from loaders.redact import redact
from loaders.rpc.caps import CapsFile
from loaders.rpc.configuration import Endpoints
from loaders.rpc.connect import connect
from loaders.shutdown import Stopped

LOG = logging.getLogger("poolhouse")

_ATTEMPTS = 3
"""Of one request; what fails then is tried again after the chain's own pauses, for ever."""
_TICK_S = 0.2


class ChainReader(threading.Thread):
    """Reads round after round. Between :meth:`_hand_over` and :meth:`served` the chain is the writer's."""

    def __init__(
        self,
        followed: FollowedChain,
        endpoints: Endpoints,
        caps: CapsFile,
        wake: Wake,
        ready: queue.Queue[ChainReader],
        stop: threading.Event,
        *,
        facts_s: float,
    ) -> None:
        super().__init__(name=f"follow {followed.chain.name}", daemon=True)
        self.followed = followed
        self.summary = LoadSummary(followed.chain.name)
        self.round: Round | None = None
        self.trouble: PoolhouseError | None = None
        """What the writer met when it asked this chain's node."""
        self.defect: Exception | None = None
        self.needs_preparation = True
        self.needs_ledger = False
        self.facts_are_due = False
        self.not_before = 0.0
        """Time (monotonic) before which nothing is to be read: the next package is not due yet."""
        self._endpoints = endpoints
        self._caps = caps
        self._wake = wake
        self._ready = ready
        self._ending = stop
        self._facts_s = facts_s
        self._prepare_again_at = float("inf")
        self._served = threading.Event()
        self._pauses = Pauses()

    def served(self, *, not_before: float) -> None:
        """The writer is done."""
        self.round = None
        self.not_before = not_before
        self._served.set()

    def prepared(self) -> None:
        self.needs_preparation = self.needs_ledger = False
        self.facts_are_due = self.followed.choice.with_facts
        self._prepare_again_at = time.monotonic() + self._facts_s

    def end(self) -> None:
        """Wake it, so that it sees that it is to end; count what its node was asked."""
        self._wake.set()
        if self.followed.endpoint is not None:
            self.summary.add_requests(self.followed.endpoint.stats)

    def run(self) -> None:
        try:
            while not self._ending.is_set():
                try:
                    self._step()
                except ChainMoved:
                    continue
                except Stopped:
                    return
                except PoolhouseError as error:
                    self._disconnect()
                    pause = self._pauses.next()
                    LOG.warning("%s: %s Again in %.0f s.", self.followed.chain.name, redact(error.message), pause)
                    self._ending.wait(pause)
        except Exception as defect:
            self.defect = defect
            self._ready.put(self)

    def _step(self) -> None:
        followed = self.followed
        if followed.endpoint is None:
            followed.endpoint = connect(
                self._endpoints, followed.chain, followed.registry, attempts=_ATTEMPTS, caps=self._caps
            )
            followed.endpoint.node.stop = self._ending
        self.needs_preparation |= time.monotonic() >= self._prepare_again_at
        if not (self.needs_preparation or self.needs_ledger):
            self._ending.wait(max(0.0, self.not_before - time.monotonic()))
            self.round = followed.read()
            self._pauses.reset()
            if self.round is None:
                self._wake.wait(followed.endpoint.head)
                return
        self._hand_over()

    def _hand_over(self) -> None:
        self._served.clear()
        self._ready.put(self)
        while not self._served.wait(_TICK_S):
            if self._ending.is_set():
                return
        if self.trouble is not None:
            error, self.trouble = self.trouble, None
            raise error

    def _disconnect(self) -> None:
        """Another node may answer next, even one of another chain: it is checked like the first."""
        if self.followed.endpoint is not None:
            self.summary.add_requests(self.followed.endpoint.stats)
        self.followed.endpoint = None

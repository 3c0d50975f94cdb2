"""A market's chain that lives again: set back to an early head, it grows block by block and reorganises on the way."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from loaders.rpc.client import RpcClient

Json = Any

_KEPT = {"from": "from", "to": "to", "data": "input", "value": "value", "gas": "gas"}


@dataclass(frozen=True)
class FutureBlock:
    """A block of the market that the chain has not reached yet."""

    timestamp: int
    transactions: list[Json]


class LivingChain:
    """The only one who mines on the node."""

    def __init__(self, url: str, rpc: RpcClient) -> None:
        self.url = url
        self.rpc = rpc
        self._future: list[FutureBlock] = []

    @property
    def head(self) -> int:
        return int(self.rpc.call("eth_blockNumber"), 16)

    def set_back(self, head: int) -> None:
        """Make ``head`` the last block; what was above it is mined again by :meth:`grow`."""
        undone = [self._block(n) for n in range(head + 1, self.head + 1)]
        self.rpc.call("anvil_rollback", len(undone))
        self._future = [FutureBlock(int(b["timestamp"], 16), _transactions(b)) for b in undone] + self._future

    def grow(self, blocks: int) -> None:
        """Mine the market's next blocks."""
        for block in self._future[:blocks]:
            for transaction in block.transactions:
                self.rpc.call("eth_sendTransaction", transaction)
            now = int(self._block(self.head)["timestamp"], 16)
            self.rpc.call("evm_setNextBlockTimestamp", max(block.timestamp, now + 1))
            self.rpc.call("evm_mine")
        self._future = self._future[blocks:]

    def reorganise(self, depth: int, rng: Random) -> None:
        """Replace the last ``depth`` blocks: a part of their transactions is gone, the others are in other blocks.

        Block times change as well, so that days lose all their logs.
        """
        old = [_transactions(self._block(n)) for n in range(self.head - depth + 1, self.head + 1)]
        kept = [t for block in old for t in block if rng.random() < 0.7]
        positions = sorted(rng.randrange(depth) for _ in kept)
        before = self.block_hash(self.head)
        self.rpc.call("anvil_reorg", depth, [[t, at] for t, at in zip(kept, positions, strict=True)])
        if self.block_hash(self.head) == before:
            raise AssertionError("the node did not reorganise")

    def block_hash(self, number: int) -> str | None:
        """None when the chain has no such block."""
        block = self._block(number)
        return None if block is None else str(block["hash"])

    def logs(self) -> list[Json]:
        """All logs of the chain, in order."""
        logs: list[Json] = self.rpc.call("eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest"})
        return logs

    def _block(self, number: int) -> Json:
        return self.rpc.call("eth_getBlockByNumber", hex(number), True)


def _transactions(block: Json) -> list[Json]:
    """As they can be sent again: nonce and fees are the node's to choose."""
    return [{key: t[name] for key, name in _KEPT.items() if t[name] is not None} for t in block["transactions"]]

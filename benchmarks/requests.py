"""How many requests a chain of known density costs: ours beside other range controllers and the fewest possible.

    python -m benchmarks.requests [--seeds 1]

A simulation: four profiles of logs per block, and providers that refuse answers above 10,000 logs, with a hint at what would
fit, without one, or above 10,000 blocks as well. Ours is the loader's own controller; the others are re-implemented from the
published behaviour of ponder, graph-node and rindexer, in simplified form, one request at a time. "Fewest" is what a reader
needs who knows the chain beforehand. With --seeds, the bursty profile is drawn so many more times.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from loaders.logs import Integers
from loaders.plan.ranges import RangeController
from loaders.rpc.classify import Verdict

MAX_LOGS = 10_000
MAX_BLOCKS = 10_000
_LATENCY_S = 0.15
_LOG_S = 2e-5

Suggestion = Literal["none", "fitting", "the same range", "inverted", "elsewhere", "one block", "one block less"]


class Provider:
    """A chain of so many logs per block, behind caps on the logs and blocks of an answer, stated or not."""

    def __init__(
        self,
        logs_per_block: Integers,
        *,
        max_logs: int = MAX_LOGS,
        max_blocks: int | None = None,
        suggestion: Suggestion = "none",
        states_block_cap: bool = True,
        states_log_cap: bool = False,
    ) -> None:
        self.logs_per_block = logs_per_block
        self.blocks = len(logs_per_block)
        self.accepted = self.refused = 0
        self.seconds = 0.0
        """Of one request after the other: 150 ms each, and 20 µs a log."""
        self._sums = np.concatenate([[0], np.cumsum(logs_per_block)])
        self._max_logs, self._max_blocks = max_logs, max_blocks
        self._suggestion = suggestion
        self._states_block_cap, self._states_log_cap = states_block_cap, states_log_cap

    def ask(self, low: int, high: int) -> int | Verdict:
        """Number of logs in the range, or the refusal."""
        self.seconds += _LATENCY_S
        verdict = self._refusal(low, high)
        if verdict is not None:
            self.refused += 1
            return verdict
        self.accepted += 1
        logs = int(self._sums[high + 1] - self._sums[low])
        self.seconds += logs * _LOG_S
        return logs

    def numbers(self, low: int, high: int) -> Integers:
        """The block number of every log in the range."""
        return np.repeat(np.arange(low, high + 1), self.logs_per_block[low : high + 1])

    def fewest(self) -> int:
        at = requests = 0
        while at < self.blocks:
            at = max(at, self._fitting(at)) + 1
            requests += 1
        return requests

    def _fitting(self, low: int) -> int:
        """The last block of the longest range from ``low`` on that is not refused."""
        last = int(np.searchsorted(self._sums, self._sums[low] + self._max_logs, side="right")) - 2
        return min(last, low + (self._max_blocks or self.blocks) - 1)

    def _refusal(self, low: int, high: int) -> Verdict | None:
        if self._max_blocks and high - low + 1 > self._max_blocks:
            return Verdict("size", block_cap=self._max_blocks if self._states_block_cap else None)
        if self._sums[high + 1] - self._sums[low] <= self._max_logs:
            return None
        ranges: dict[Suggestion, tuple[int, int] | None] = {
            "none": None,
            "fitting": (low, max(low, self._fitting(low))),
            "the same range": (low, high),
            "inverted": (high, low),
            "elsewhere": (high + 10, high + 20),
            "one block": (low, low),
            "one block less": (low, high - 1),
        }
        log_cap = self._max_logs if self._states_log_cap else None
        return Verdict("size", suggested=ranges[self._suggestion], log_cap=log_cap)


def density(provider: Provider, controller: RangeController | None = None) -> None:
    """Poolhouse: the density at the end of what was read decides."""
    controller = controller or RangeController()
    low = 0
    while low < provider.blocks:
        high = low + controller.width(low, provider.blocks - low) - 1
        while isinstance(answer := provider.ask(low, high), Verdict):
            smaller = controller.refused(low, high, answer)
            assert low <= smaller < high, "a refused range must shrink"
            high = smaller
        controller.accepted(low, high, provider.numbers(low, high))
        low = high + 1


def fixed(provider: Provider) -> None:
    """2,000 blocks, halved while refused."""
    low = 0
    while low < provider.blocks:
        high = min(low + 2_000, provider.blocks) - 1
        while isinstance(provider.ask(low, high), Verdict):
            high = low + max(1, (high - low + 1) // 2) - 1
        low = high + 1


def ponder(provider: Provider) -> None:
    """500 blocks, 5 % more after each success, half after a refusal; a suggested width stays for good."""
    width, suggested, low = 500, None, 0
    while low < provider.blocks:
        high = min(low + (suggested or width), provider.blocks - 1)
        answer = provider.ask(low, high)
        if isinstance(answer, Verdict):
            hint = _hinted_width(answer, low)
            suggested = max(1, hint - 1) if hint else None
            width = suggested or max(1, (high - low) // 2)
            continue
        if suggested is None:
            width = max(width + 1, round(width * 1.05))
        low = high + 1


def graph_node(provider: Provider) -> None:
    """Aims at 100 logs, grows tenfold up to 2,000 blocks, a tenth after a refusal."""
    width, low = 1, 0
    while low < provider.blocks:
        end = min(low + width, provider.blocks) - 1
        step, at, logs = end - low, low, 0
        while at <= end:
            answer = provider.ask(at, min(at + step, end))
            if isinstance(answer, Verdict):
                step //= 10
                continue
            logs += answer
            at = min(at + step, end) + 1
        grown = min(2_000, (end - low + 1) * 10)
        width = int(max(1, min(grown, 100 * (end - low + 1) / logs))) if logs else grown
        low = end + 1


def rindexer(provider: Provider) -> None:
    """Asks for all that is left, then for what the refusal suggests, or half."""
    low, high = 0, provider.blocks - 1
    while low < provider.blocks:
        answer = provider.ask(low, high)
        if isinstance(answer, Verdict):
            width = high - low + 1
            high = low + (_hinted_width(answer, low) or (max(2, width // 2) if width > 2 else 1)) - 1
            continue
        low, high = high + 1, provider.blocks - 1


def _hinted_width(verdict: Verdict, low: int) -> int | None:
    if verdict.block_cap:
        return verdict.block_cap
    return verdict.suggested[1] - low + 1 if verdict.suggested else None


CONTROLLERS: dict[str, Callable[[Provider], None]] = {
    "poolhouse": density,
    "fixed 2000": fixed,
    "ponder": ponder,
    "graph-node": graph_node,
    "rindexer": rindexer,
}


def profiles(seed: int = 3) -> dict[str, Integers]:
    """Logs per block: a chain that grows, one with bursts, a sparse contract, a dense one."""
    chance = np.random.default_rng(seed)
    growing = chance.poisson(0.002 * np.exp(np.linspace(0, 1, 2_000_000) * 9.5))
    rate = np.full(1_000_000, 0.5)
    for _ in range(60):
        start = chance.integers(0, len(rate) - 3_000)
        rate[start : start + chance.integers(200, 3_000)] *= chance.uniform(20, 200)
    bursty = chance.poisson(np.minimum(rate, 300))
    sparse = chance.poisson(np.full(5_000_000, 0.0005))
    dense = chance.poisson(np.full(20_000, 50.0) * chance.lognormal(0, 0.3, 20_000))
    return {"growing": growing, "bursty": bursty, "sparse": sparse, "dense": dense}


@dataclass(frozen=True)
class Terms:
    """What a provider refuses and what it says then."""

    name: str
    suggestion: Suggestion
    max_blocks: int | None = None

    def provider(self, logs_per_block: Integers) -> Provider:
        return Provider(logs_per_block, max_blocks=self.max_blocks, suggestion=self.suggestion)


TERMS = (
    Terms("10k logs, suggests", "fitting"),
    Terms("10k logs, no hint", "none"),
    Terms("and 10k blocks", "none", MAX_BLOCKS),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    print("accepted + refused requests, times the fewest, share refused, seconds of one request after the other\n")
    drawn = [(name, counts) for name, counts in profiles().items()]
    drawn += [(f"bursty, seed {seed}", profiles(seed)["bursty"]) for seed in range(4, 3 + options.seeds)]
    for name, logs_per_block in drawn:
        print(f"{name}: {logs_per_block.sum():,} logs in {len(logs_per_block):,} blocks")
        for terms in TERMS:
            print(f"  {terms.name}: fewest {terms.provider(logs_per_block).fewest():,}")
            for reader, read in CONTROLLERS.items():
                provider = terms.provider(logs_per_block)
                read(provider)
                print(f"    {reader:11} {_summary(provider)}", flush=True)
    return 0


def _summary(provider: Provider) -> str:
    total = provider.accepted + provider.refused
    return (
        f"{provider.accepted:>6,} + {provider.refused:>6,}  {total / provider.fewest():>7.2f}x  "
        f"{provider.refused / total:>4.0%}  {provider.seconds:>6,.0f} s"
    )


if __name__ == "__main__":
    sys.exit(main())

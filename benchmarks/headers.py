"""Headers read per block where a node gives logs no timestamps: proof from the chain's guaranteed gap, beside reading each.

    python -m benchmarks.headers [--blocks 200000]

Chains are made up (slots missed at random, as often as Ethereum's were since the merge); the ranges, 10,000 blocks each, and the
algorithm are those of a load. `rounds` is how often a range waits for headers, each time for up to 50 a request.
"""

from __future__ import annotations

import argparse

import numpy as np

from loaders.rpc.endpoint import Header
from loaders.source.clock import BlockGap, prove_timestamps

WIDTH = 10_000
PROFILES = (
    # name, guaranteed gap in seconds, share of slots missed, share of blocks with logs
    ("ethereum, 0.5 % missed, every block", 12, 0.005, 1.0),
    ("ethereum, 1 % missed, every block", 12, 0.01, 1.0),
    ("ethereum, 2 % missed, every block", 12, 0.02, 1.0),
    ("ethereum, 1 % missed, 1 block in 10", 12, 0.01, 0.1),
    ("ethereum, 1 % missed, 1 block in 100", 12, 0.01, 0.01),
    ("gnosis, 3 % missed, every block", 5, 0.03, 1.0),
    ("OP stack, every block", 2, 0.0, 1.0),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blocks", type=int, default=200_000)
    blocks = parser.parse_args().blocks
    print(f"{'':38}{'dated':>9}{'headers':>9}{'of blocks':>11}{'of dated':>10}{'rounds':>8}")
    for name, gap, missed, wanted in PROFILES:
        random = np.random.default_rng(1)
        seconds = np.cumsum(gap * (1 + (random.random(blocks + 1) < missed)))
        dated = read = rounds = 0

        def header(number: int, seconds: np.ndarray = seconds) -> Header:
            return Header(number, "", "", int(seconds[number]))

        for low in range(1, blocks + 1, WIDTH):
            high = min(low + WIDTH - 1, blocks)
            inside = low + np.flatnonzero(random.random(high - low + 1) < wanted)
            asked: list[int] = []

            def reader(numbers: list[int], asked: list[int] = asked) -> list[Header]:
                asked.append(len(numbers))
                return [header(n) for n in numbers]

            proven = prove_timestamps(inside, header(low - 1), header(high), BlockGap(gap), reader)
            if not np.array_equal(proven, seconds[inside]):
                raise SystemExit(f"{name}: a timestamp is wrong")
            dated, read, rounds = dated + len(inside), read + sum(asked), max(rounds, len(asked))
        read += -(-blocks // WIDTH)  # the end of each range
        print(f"{name:38}{dated:>9,}{read:>9,}{read / blocks:>10.2%}{read / dated:>10.1%}{rounds:>8}")


if __name__ == "__main__":
    main()

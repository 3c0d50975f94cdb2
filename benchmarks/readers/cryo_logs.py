"""cryo's Python package: logs of one event, decoded where a fifth argument says so, into its own Parquet files."""

import os
import sys

import cryo

SWAP = "0xc42079f94a6350d7e6235f29174924f928cc2ac818eb64fed8004e115fbcca67"
SIGNATURE = (
    "event Swap(address indexed sender, address indexed recipient, int256 amount0, int256 amount1, "
    "uint160 sqrtPriceX96, uint128 liquidity, int24 tick)"
)

url, first, last, folder, *kind = sys.argv[1:]
# Integers as decimal text, as ours; its default writes each of them three times.
decoding = {"event_signature": SIGNATURE, "u256_types": ["string"]} if kind == ["decoded"] else {}
cryo.freeze(
    "logs",
    blocks=[f"{first}:{int(last) + 1}"],
    topic0=[SWAP],
    rpc=url,
    output_dir=folder,
    chunk_size=1_000,
    inner_request_size=100,
    max_concurrent_requests=4,
    max_concurrent_chunks=2,
    **decoding,
)
# Its threads crash the interpreter when that ends in the ordinary way.
sys.stdout.flush()
os._exit(0)

"""A loop as web3.py's documentation has it: `get_logs` over ranges of blocks, `process_log` for each log."""

import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from web3 import Web3

SWAP = "0xc42079f94a6350d7e6235f29174924f928cc2ac818eb64fed8004e115fbcca67"
INPUTS = [
    ("sender", "address", True),
    ("recipient", "address", True),
    ("amount0", "int256", False),
    ("amount1", "int256", False),
    ("sqrtPriceX96", "uint160", False),
    ("liquidity", "uint128", False),
    ("tick", "int24", False),
]
ABI = {
    "type": "event",
    "name": "Swap",
    "anonymous": False,
    "inputs": [{"name": name, "type": kind, "indexed": indexed} for name, kind, indexed in INPUTS],
}
BLOCKS = 100

url, first, last, folder = sys.argv[1:]
web3 = Web3(Web3.HTTPProvider(url))
event = web3.eth.contract(abi=[ABI]).events.Swap()
with_rows = []
for low in range(int(first), int(last) + 1, BLOCKS):
    high = min(low + BLOCKS - 1, int(last))
    rows = []
    for log in web3.eth.get_logs({"fromBlock": low, "toBlock": high, "topics": [SWAP]}):
        decoded = event.process_log(log)
        rows.append(
            {
                "block_number": decoded["blockNumber"],
                "log_index": decoded["logIndex"],
                "tx_index": decoded["transactionIndex"],
                "block_hash": decoded["blockHash"].hex(),
                "tx_hash": decoded["transactionHash"].hex(),
                "address": decoded["address"],
                **{name: str(value) for name, value in decoded["args"].items()},
            }
        )
    if rows:
        with_rows.append(pa.Table.from_pylist(rows))
pq.write_table(pa.concat_tables(with_rows), Path(folder) / "swaps.parquet", compression="zstd")

"""eth_defi's `read_events` with its faster JSON and without middleware, values converted by hand as its examples do."""

import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from eth_defi.event_reader.conversion import convert_int256_bytes_to_int, decode_data
from eth_defi.event_reader.fast_json_rpc import patch_web3
from eth_defi.event_reader.filter import Filter
from eth_defi.event_reader.reader import read_events
from web3 import Web3

SWAP = "0xc42079f94a6350d7e6235f29174924f928cc2ac818eb64fed8004e115fbcca67"
BLOCKS = 100
ROWS_PER_TABLE = 5_000

url, first, last, folder = sys.argv[1:]
web3 = Web3(Web3.HTTPProvider(url))
web3.middleware_onion.clear()
patch_web3(web3)
swaps = Filter(topics={SWAP: object}, contract_address=None, bloom=None)
tables, rows = [], []
for log in read_events(web3, int(first), int(last), filter=swaps, chunk_size=BLOCKS, extract_timestamps=None):
    amount0, amount1, price, liquidity, tick = decode_data(log["data"])
    rows.append(
        {
            "block_number": log["blockNumber"],
            "log_index": int(log["logIndex"], 16),
            "tx_index": int(log["transactionIndex"], 16),
            "block_hash": log["blockHash"],
            "tx_hash": log["transactionHash"],
            "address": log["address"],
            "sender": "0x" + log["topics"][1][-40:],
            "recipient": "0x" + log["topics"][2][-40:],
            "amount0": str(convert_int256_bytes_to_int(amount0, signed=True)),
            "amount1": str(convert_int256_bytes_to_int(amount1, signed=True)),
            "sqrt_price_x96": str(convert_int256_bytes_to_int(price)),
            "liquidity": str(convert_int256_bytes_to_int(liquidity)),
            "tick": convert_int256_bytes_to_int(tick, signed=True),
        }
    )
    if len(rows) == ROWS_PER_TABLE:
        tables.append(pa.Table.from_pylist(rows))
        rows = []
if rows:
    tables.append(pa.Table.from_pylist(rows))
pq.write_table(pa.concat_tables(tables), Path(folder) / "swaps.parquet", compression="zstd")

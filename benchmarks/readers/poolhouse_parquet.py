"""The loader's own reading, verification and decoding into Parquet, without a warehouse: what dlt is handed, written to files."""

import gc
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from loaders.decode.decoder import Decoder
from loaders.plan.filters import Segment, filters_for
from loaders.registry.seeds import load_registry
from loaders.rpc.connect import connect
from loaders.source.clock import BlockGap
from loaders.source.rpc import RpcSource
from loaders.startup import prepare

_ROWS_PER_GROUP = 122_880
_REPEATING = ("chain_id", "block_number", "block_timestamp", "block_hash", "contract_address", "sender", "recipient")
"""Columns whose values come again: a dictionary of the others would only be thrown away."""


def main() -> None:
    url, first, last, folder = sys.argv[1:]
    prepare()
    registry = load_registry()
    chain = registry.chain("ethereum")
    endpoint = connect(url, chain, registry)
    events = [event for event in registry.events.events if event.family == "uniswap_v3"]
    segment = Segment(int(first), int(last), "final", filters_for(events, registry.contracts_of(chain)))
    decoder = Decoder(chain.chain_id, segment.wanted)
    writers: dict[str, pq.ParquetWriter] = {}
    waiting: dict[str, list[pa.Table]] = {}
    gc.freeze()

    def flush(table: str) -> None:
        rows = pa.concat_tables(waiting.pop(table))
        if table not in writers:
            path = Path(folder) / f"{table}.parquet"
            repeating = [name for name in _REPEATING if name in rows.schema.names]
            writers[table] = pq.ParquetWriter(path, rows.schema, compression="lz4", use_dictionary=repeating)
        writers[table].write_table(rows, row_group_size=_ROWS_PER_GROUP)

    for batch in RpcSource(endpoint.node, chain=chain, gap=BlockGap.of(chain)).batches(segment):
        for table, parts in decoder.decode(batch.logs).tables.items():
            waiting.setdefault(table, []).extend(parts)
            if sum(map(len, waiting[table])) >= _ROWS_PER_GROUP:
                flush(table)
    for table in list(waiting):
        flush(table)
    for writer in writers.values():
        writer.close()


if __name__ == "__main__":
    main()

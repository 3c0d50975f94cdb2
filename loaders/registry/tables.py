"""The raw tables that are not events: ledger, headers, transactions, contract reads and what could not be decoded."""

from __future__ import annotations

from loaders.registry.schema import (
    BLOCK_HASH,
    BLOCK_NUMBER,
    BLOCK_TIMESTAMP,
    CHAIN_ID,
    ENVELOPE,
    TX_HASH,
    TX_INDEX,
    Column,
    RawTable,
)

SOURCE = "poolhouse"

LOAD_RANGES = RawTable(
    "load_ranges",
    (
        CHAIN_ID,
        Column("family", "string", "Protocol family of the event, for example uniswap_v3."),
        Column("role", "string", "Role of the emitting contract in its family, for example pool."),
        Column("event", "string", "Name of the event as in its ABI."),
        Column("table_name", "string", "Raw table that holds the rows of this filter."),
        Column(
            "topic0",
            "string",
            "Topic 0 that was asked for, lower-case 0x hex; empty for an anonymous event, which has none.",
        ),
        Column("contract_address", "string", "Contract that was asked for, or `*` when any emitter was."),
        Column("from_block", "int64", "First block of the range, inclusive."),
        Column("to_block", "int64", "Last block of the range, inclusive."),
        Column("from_block_hash", "string", "Hash of the first block.", nullable=True),
        Column("to_block_hash", "string", "Hash of the last block.", nullable=True),
        Column(
            "min_timestamp",
            "timestamp",
            "Timestamp of the first block, UTC; of the first log of the range where a source of files lacks that block's.",
            nullable=True,
        ),
        Column("max_timestamp", "timestamp", "Timestamp of the last block, UTC.", nullable=True),
        Column("log_count", "int64", "Rows written to `table_name` for this filter and range."),
        Column(
            "namesake_count",
            "int64",
            "Logs of this filter and range that are known to be an event of another kind and were not kept: ERC-721 "
            "transfers among those of ERC-20; NULL where an older loader did not count them.",
            nullable=True,
        ),
        Column("finality", "string", "`final` when the range lay at or below finality while it was read, else `tail`."),
        Column("decoder_version", "string", "Version of the decoder that wrote the rows."),
        Column("registry_version", "string", "Short hash of the registry's event definitions."),
        Column("source", "string", "`rpc`, `files`, `sqd`, `hypersync` or `bigquery`: where the logs were read."),
        Column("endpoint_host", "string", "Host of the endpoint, without path or key."),
        Column("genesis_hash", "string", "Hash of the chain's first block where the node serves it.", nullable=True),
        Column("loaded_at", "timestamp", "When the loader wrote the range, UTC."),
    ),
    "The ledger. **Grain:** one row per load, filter (event and emitter) and contiguous block range. It decides which raw rows count.",
    SOURCE,
)

BLOCKS = RawTable(
    "blocks",
    (
        CHAIN_ID,
        BLOCK_NUMBER,
        BLOCK_TIMESTAMP,
        BLOCK_HASH,
        Column("parent_hash", "string", "Hash of the block before it, lower-case 0x hex."),
    ),
    "Headers the loader saw (range ends at least). **Grain:** one row per load and block; the newest of a block counts.",
    SOURCE,
)

TRANSACTIONS = RawTable(
    "transactions",
    (
        CHAIN_ID,
        BLOCK_NUMBER,
        BLOCK_TIMESTAMP,
        BLOCK_HASH,
        TX_HASH,
        TX_INDEX,
        Column("from_address", "string", "Sender, lower-case 0x hex."),
        Column(
            "to_address",
            "string",
            "Called contract or receiver; NULL when the transaction creates a contract.",
            nullable=True,
        ),
        Column("value", "string", "Native currency sent, in wei, exact decimal text."),
        Column("status", "int64", "1 succeeded, 0 reverted; NULL when no receipt was read.", nullable=True),
        Column("gas_used", "int64", "Gas the transaction used; NULL when no receipt was read.", nullable=True),
        Column(
            "effective_gas_price",
            "string",
            "Price paid per gas, in wei, exact decimal text; NULL when no receipt was read.",
            nullable=True,
        ),
        Column("nonce", "int64", "Nonce of the sender."),
        Column(
            "selector",
            "string",
            "First four bytes of the input as 0x hex; NULL when the input is shorter.",
            nullable=True,
        ),
    ),
    "Transactions that emitted a loaded log other than an ERC-20 transfer. "
    "**Grain:** one row per load and transaction; the newest of a transaction counts.",
    SOURCE,
)

CONTRACT_READS = RawTable(
    "contract_reads",
    (
        CHAIN_ID,
        BLOCK_NUMBER,
        BLOCK_TIMESTAMP,
        BLOCK_HASH,
        Column("contract_address", "string", "Contract that was read, lower-case 0x hex."),
        Column("function", "string", "Name of the view function, for example getReserves."),
        Column(
            "arguments",
            "string",
            "JSON array of the arguments: addresses as lower-case hex, integers as decimal strings.",
        ),
        Column("output", "string", "What the call returned, raw 0x hex.", nullable=True),
        Column(
            "value",
            "string",
            "The decoded output: plain text when there is one value, a JSON array of texts when there are several.",
            nullable=True,
        ),
        Column("status", "string", "`ok`, `reverted`, `empty` or `undecodable`."),
    ),
    "Results of eth_call at a pinned block. **Grain:** one row per load, block, contract, function and arguments.",
    SOURCE,
)

POOL_COMPLETIONS = RawTable(
    "pool_completions",
    (
        CHAIN_ID,
        BLOCK_NUMBER,
        BLOCK_TIMESTAMP,
        Column("contract_address", "string", "The pool, lower-case 0x hex."),
        Column("family", "string", "Protocol family, for example uniswap_v2."),
        Column("token0", "string", "First token, lower-case 0x hex.", nullable=True),
        Column("token1", "string", "Second token, lower-case 0x hex.", nullable=True),
        Column("fee", "int64", "Fee in 1e-6 of the input (V3); NULL for V2.", nullable=True),
        Column("tick_spacing", "int64", "Tick spacing (V3); NULL for V2.", nullable=True),
        Column("factory_address", "string", "Factory that the pool names, lower-case 0x hex.", nullable=True),
        Column("proof", "string", "How membership was proven: `create2`, `factory` or `none`."),
    ),
    "Pools whose creation event lies outside the loaded range, completed by eth_call. **Grain:** one row per load and pool.",
    SOURCE,
)

UNDECODED_LOGS = RawTable(
    "undecoded_logs",
    (
        *ENVELOPE,
        Column("topics", "string", "JSON array of the topics, lower-case 0x hex."),
        Column("data", "string", "Data of the log, lower-case 0x hex."),
        Column("reason", "string", "Why no event of the registry fits it."),
    ),
    "Logs that were asked for but do not decode. **Grain:** one row per load and log.",
    SOURCE,
)

RUNS = RawTable(
    "runs",
    (
        Column("run_id", "string", "Identifier of the run, 32 hex digits."),
        Column("command", "string", "What was run: `load` or `follow`."),
        CHAIN_ID,
        Column("started_at", "timestamp", "When the run began to work on the chain, UTC."),
        Column("ended_at", "timestamp", "When it ended, UTC."),
        Column(
            "outcome",
            "string",
            "`succeeded`, `stopped` (on request; what was read is loaded) or `failed` (packages before the failure count).",
        ),
        Column("error", "string", "What went wrong, without anything secret; NULL unless it failed.", nullable=True),
        Column("from_block", "int64", "First block that was asked for; NULL when it failed before.", nullable=True),
        Column("to_block", "int64", "Last block that was asked for; NULL when it failed before.", nullable=True),
        Column("blocks_read", "int64", "Blocks that were read, each once per set of filters."),
        Column("log_count", "int64", "Logs that were read."),
        Column("row_count", "int64", "Rows written to raw tables, headers and ledger included, contract state not."),
        Column("package_count", "int64", "Packages of data that completed."),
        Column("requests_accepted", "int64", "Requests that were answered."),
        Column("requests_refused", "int64", "Requests that were refused or failed, and asked again."),
        Column("received_bytes", "int64", "Bytes of the answers, uncompressed."),
        Column(
            "compute_units",
            "int64",
            "What the requests cost in the units of their providers, by their published tables; Alchemy's for others.",
        ),
        Column("endpoint_host", "string", "Where it read from, without path or key; empty when no node answered."),
        Column("loader_version", "string", "Version of Poolhouse."),
    ),
    "What each command that loads did. It decides nothing: which rows count is the ledger's affair. **Grain:** one row per run.",
    SOURCE,
)

FIXED_TABLES: tuple[RawTable, ...] = (
    LOAD_RANGES,
    BLOCKS,
    TRANSACTIONS,
    CONTRACT_READS,
    POOL_COMPLETIONS,
    UNDECODED_LOGS,
    RUNS,
)

"""Models of which the small market gives no row, and rows planted for those that are views."""

from __future__ import annotations

EMPTY = {
    "int_dex_v3_donations": "nobody gives a V3 pool tokens for nothing; its unit test has such a pool",
    "int_ledger_replaced_headers": "its chain never reorganises; test_read_convergence.py has chains that do",
    "stg_aave_v3__pool_deficit_covered": "no deficit is covered",
    "stg_aave_v3__pool_deficit_created": "no liquidation leaves bad debt",
    "stg_poolhouse__pool_completions": "every pool's creation is loaded",
    "stg_poolhouse__undecoded_logs": "every log is decoded",
}
"""By model, why there is none."""

_LOG = (
    "chain_id, block_number, log_index, tx_index, block_timestamp, block_hash, tx_hash, contract_address, _dlt_load_id"
)
_TOPIC = "(select min(topic0) from raw.load_ranges where family = '{}' and role = 'pool' and event = '{}')"

PLANTED = {
    "stg_aave_v3__pool_deficit_covered": f"""
        insert into raw.aave_v3__pool_deficit_covered by name
        select {_LOG}, reserve, "user" as caller, amount as amount_covered from raw.aave_v3__pool_borrow
        """,
    "stg_aave_v3__pool_deficit_created": f"""
        insert into raw.aave_v3__pool_deficit_created by name
        select {_LOG}, reserve as debt_asset, "user", amount as amount_created from raw.aave_v3__pool_borrow
        """,
    # Each pool is completed by every load: the newest counts.
    "stg_poolhouse__pool_completions": """
        insert into raw.pool_completions by name
        select distinct on (swaps.contract_address, loads.load_id)
            swaps.chain_id, swaps.block_number, swaps.block_timestamp, swaps.contract_address, 'uniswap_v3' as family,
            swaps.sender as token0, swaps.recipient as token1, 3000 as fee, 60 as tick_spacing,
            'proven by ' || loads.load_id as proof, loads.load_id as _dlt_load_id
        from raw.uniswap_v3__pool_swap as swaps cross join raw._dlt_loads as loads
        order by all
        """,
    # Asked of every contract, and of registered ones.
    "stg_poolhouse__undecoded_logs": f"""
        insert into raw.undecoded_logs by name
        select {_LOG}, '["' || {_TOPIC.format("uniswap_v3", "Swap")} || '"]' as topics, '0x' as data, 'too short' as reason
        from raw.uniswap_v3__pool_swap
        union all
        select {_LOG}, '["' || {_TOPIC.format("aave_v3", "Borrow")} || '", "0x00"]', '0x00', 'does not fit'
        from raw.aave_v3__pool_borrow
        """,
}
"""Rows that a DuckDB warehouse is given for the views among them, which it evaluates when asked: by model."""

{{
    config(
        materialized = 'incremental',
        incremental_strategy = replace_strategy(),
        on_schema_change = 'fail',
        partition_by = day_partition('block_date'),
        cluster_by = ['chain_id', 'block_timestamp', 'protocol', 'pool_id'],
        meta = dict(
            price_meta(18, date='block_date', time='block_timestamp'),
            dirty_families = transaction_families(),
        ),
        pre_hook = "{{ find_dirty_days() }}",
        post_hook = "{{ record_watermark(ref('int_dimension_changes')) }}",
    )
}}

-- A transaction may come later than its swaps, with a log of another family: any of these dirties them.
with

swaps as (

    select * from {{ ref('int_dex_swap_values') }}
    where {{ is_dirty('block_date', 'block_timestamp') }}

),

transactions as (

    select * from {{ ref('stg_poolhouse__transactions') }}
    where {{ is_dirty('block_timestamp', 'block_timestamp') }}

),

final as (

    select
        swaps.chain_id,
        swaps.block_number,
        swaps.block_timestamp,
        swaps.block_date,
        swaps.tx_hash,
        swaps.tx_index,
        swaps.log_index,
        swaps.protocol,
        swaps.version,
        swaps.pool_id,
        swaps.pool_address,
        swaps.token_in,
        swaps.token_out,
        swaps.token_in_symbol,
        swaps.token_out_symbol,
        swaps.amount_in_raw,
        swaps.amount_out_raw,
        swaps.amount_in_logged_raw,
        swaps.amount_out_logged_raw,
        swaps.amount_in,
        swaps.amount_out,
        swaps.amount0_raw,
        swaps.amount1_raw,
        swaps.fee_pips,
        swaps.fee_usd,
        swaps.sqrt_price_x96,
        swaps.tick,
        swaps.liquidity_raw as liquidity_active,
        swaps.reserve0_raw as reserve0_after_raw,
        swaps.reserve1_raw as reserve1_after_raw,
        swaps.spot_price_after,
        swaps.exec_price,
        swaps.sender,
        swaps.recipient,
        transactions.from_address as tx_from,
        transactions.to_address as tx_to,
        swaps.amount_usd,
        swaps.usd_leg,
        swaps.price_source,
        swaps.price_confidence,
        swaps.has_usd_leg_disagreement as usd_leg_disagreement,
        swaps.is_flash,
        swaps.is_exchange,
        swaps.has_overflow
    from swaps
    left outer join transactions
        on
            swaps.chain_id = transactions.chain_id
            and swaps.block_timestamp = transactions.block_timestamp
            and swaps.tx_hash = transactions.tx_hash

)

select * from final

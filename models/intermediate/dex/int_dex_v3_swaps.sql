{{
    config(
        materialized = 'incremental',
        incremental_strategy = append_strategy(),
        partition_by = day_partition('block_date'),
        meta = {'dirty_families': ['uniswap_v3']},
        pre_hook = "{{ delete_dirty_days() }}",
        post_hook = "{{ record_watermark() }}",
    )
}}

with

swaps as (

    select * from {{ ref('stg_uniswap_v3__pool_swap') }}
    where {{ is_dirty_day('block_timestamp') }}

),

final as (

    select
        chain_id,
        block_number,
        block_timestamp,
        block_date,
        tx_hash,
        tx_index,
        log_index,
        pool_address,
        sender,
        recipient,
        amount0_raw,
        amount1_raw,
        sqrt_price_x96,
        tick,
        liquidity_raw,
        has_overflow
    from swaps

)

select * from final

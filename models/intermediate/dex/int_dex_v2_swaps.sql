{{
    config(
        materialized = 'incremental',
        incremental_strategy = replace_strategy(),
        partition_by = day_partition('block_date'),
        cluster_by = ['chain_id', 'block_timestamp'],
        meta = {'dirty_families': ['uniswap_v2']},
        pre_hook = "{{ find_dirty_days() }}",
        post_hook = "{{ record_watermark() }}",
    )
}}

with

swaps as (

    select * from {{ ref('stg_uniswap_v2__pair_swap') }}
    where {{ is_dirty('block_timestamp', 'block_timestamp') }}

),

syncs as (

    select * from {{ ref('stg_uniswap_v2__pair_sync') }}
    where {{ is_dirty('block_timestamp', 'block_timestamp') }}

),

-- Both inputs may be positive (flash swaps): what counts is the pool's net of each token. The pair states its
-- reserves in the log before.
final as (

    select
        swaps.chain_id,
        swaps.block_number,
        swaps.block_timestamp,
        swaps.block_date,
        swaps.tx_hash,
        swaps.tx_index,
        swaps.log_index,
        swaps.pool_address,
        swaps.sender,
        swaps.recipient,
        swaps.amount0_in_raw,
        swaps.amount1_in_raw,
        swaps.amount0_out_raw,
        swaps.amount1_out_raw,
        swaps.amount0_in_raw - swaps.amount0_out_raw as amount0_raw,
        swaps.amount1_in_raw - swaps.amount1_out_raw as amount1_raw,
        coalesce(
            (swaps.amount0_in_raw > 0 and swaps.amount0_out_raw > 0)
            or (swaps.amount1_in_raw > 0 and swaps.amount1_out_raw > 0),
            false
        ) as is_flash,
        swaps.has_overflow,
        syncs.reserve0_raw,
        syncs.reserve1_raw
    from swaps
    left outer join syncs
        on
            swaps.chain_id = syncs.chain_id
            and swaps.block_number = syncs.block_number
            and swaps.log_index = syncs.log_index + 1
            and swaps.pool_address = syncs.pool_address

)

select * from final

{{
    config(
        materialized = 'incremental',
        incremental_strategy = replace_strategy(),
        partition_by = day_partition('block_date'),
        cluster_by = ['chain_id', 'block_timestamp'],
        meta = {'dirty_families': ['uniswap_v3']},
        pre_hook = "{{ find_dirty_days() }}",
        post_hook = "{{ record_watermark() }}",
    )
}}

with

uniswap_swaps as (

    select * from {{ ref('stg_uniswap_v3__pool_swap') }}
    where {{ is_dirty('block_timestamp', 'block_timestamp') }}

),

pancakeswap_swaps as (

    select * from {{ ref('stg_uniswap_v3__pancakeswap_pool_swap') }}
    where {{ is_dirty('block_timestamp', 'block_timestamp') }}

),

unioned as (

    {% for swaps in ['uniswap_swaps', 'pancakeswap_swaps'] -%}
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
    from {{ swaps }}
    {{ 'union all' if not loop.last }}
    {% endfor -%}

)

select * from unioned

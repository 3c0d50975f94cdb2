{{
    config(
        materialized = 'incremental',
        incremental_strategy = replace_strategy(),
        partition_by = day_partition('block_date'),
        meta = {'dirty_families': ['uniswap_v2', 'uniswap_v3']},
        pre_hook = "{{ find_dirty_days() }}",
        post_hook = "{{ record_watermark() }}",
    )
}}

-- Whoever asks what pools are reads all of these: only the columns that tell are here.
with

pairs as (

    select * from {{ ref('stg_uniswap_v2__factory_pair_created') }}
    where {{ is_dirty('block_timestamp', 'block_timestamp') }}

),

pools as (

    select * from {{ ref('stg_uniswap_v3__factory_pool_created') }}
    where {{ is_dirty('block_timestamp', 'block_timestamp') }}

),

final as (

    select
        chain_id,
        block_number,
        block_timestamp,
        block_date,
        log_index,
        'uniswap_v2' as family,
        factory_address,
        pool_address,
        token0,
        token1,
        cast(null as int64) as fee_pips,
        cast(null as int64) as tick_spacing
    from pairs
    union all
    select
        chain_id,
        block_number,
        block_timestamp,
        block_date,
        log_index,
        'uniswap_v3' as family,
        factory_address,
        pool_address,
        token0,
        token1,
        fee_pips,
        tick_spacing
    from pools

)

select * from final

{{
    config(
        materialized = 'incremental',
        incremental_strategy = replace_strategy(),
        partition_by = day_partition('block_date'),
        cluster_by = ['chain_id', 'block_timestamp'],
        meta = {
            'dirty_families': ['uniswap_v2', 'uniswap_v3'],
            'dirty_dimensions': ['dex_pools'],
        },
        pre_hook = "{{ find_dirty_days() }}",
        post_hook = "{{ record_watermark(ref('int_dimension_changes')) }}",
    )
}}

-- Swaps of every family in one shape, with what their pools are; prices and symbols are joined later.
with

v2_swaps as (

    select * from {{ ref('int_dex_v2_swaps') }}
    where {{ is_dirty('block_date', 'block_timestamp') }}

),

v3_swaps as (

    select * from {{ ref('int_dex_v3_swaps') }}
    where {{ is_dirty('block_date', 'block_timestamp') }}

),

pools as (

    select * from {{ ref('dex_pools') }}

),

unioned as (

    select
        chain_id,
        block_number,
        block_timestamp,
        block_date,
        tx_hash,
        tx_index,
        log_index,
        'uniswap_v2' as family,
        pool_address,
        sender,
        recipient,
        amount0_raw,
        amount1_raw,
        amount0_in_raw,
        amount1_in_raw,
        amount0_out_raw,
        amount1_out_raw,
        is_flash,
        has_overflow,
        cast(null as {{ dbt.type_string() }}) as sqrt_price_x96,
        cast(null as int64) as tick,
        cast(null as {{ type_exact_int() }}) as liquidity_raw,
        reserve0_raw,
        reserve1_raw
    from v2_swaps
    union all
    select
        chain_id,
        block_number,
        block_timestamp,
        block_date,
        tx_hash,
        tx_index,
        log_index,
        'uniswap_v3' as family,
        pool_address,
        sender,
        recipient,
        amount0_raw,
        amount1_raw,
        amount0_raw as amount0_in_raw,
        amount1_raw as amount1_in_raw,
        -amount0_raw as amount0_out_raw,
        -amount1_raw as amount1_out_raw,
        false as is_flash,
        has_overflow,
        sqrt_price_x96,
        tick,
        liquidity_raw,
        cast(null as {{ type_exact_int() }}) as reserve0_raw,
        cast(null as {{ type_exact_int() }}) as reserve1_raw
    from v3_swaps

),

-- A contract may emit the events of two families; it is a pool of the one it was admitted to.
admitted as (

    select
        unioned.*,
        pools.token0,
        pools.token1,
        pools.fee_pips,
        pools.protocol != 'unknown' and pools.family = unioned.family as is_known,
        pools.protocol,
        pools.version,
        {{ sells_token0('unioned.amount0_raw', 'unioned.amount1_raw') | indent(8) }} as sells_token0
    from unioned
    inner join pools
        on
            unioned.chain_id = pools.chain_id
            and unioned.pool_address = pools.pool_address

),

directed as (

    select
        *,
        case when sells_token0 then amount0_raw else amount1_raw end as sold_raw,
        case when sells_token0 then amount1_raw else amount0_raw end as bought_raw,
        case when sells_token0 then amount0_in_raw else amount1_in_raw end as logged_in_raw,
        case when sells_token0 then amount1_out_raw else amount0_out_raw end as logged_out_raw
    from admitted

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
        case when is_known then protocol else 'unknown' end as protocol,
        case when is_known then version else replace(family, 'uniswap_v', '') end
            as version, -- noqa: RF04
        pool_address,
        case when sells_token0 then token0 else token1 end as token_in,
        case when sells_token0 then token1 else token0 end as token_out,
        case when sold_raw > 0 then sold_raw else sold_raw * 0 end as amount_in_raw,
        case when bought_raw < 0 then -bought_raw else bought_raw * 0 end as amount_out_raw,
        case when logged_in_raw > 0 then logged_in_raw else logged_in_raw * 0 end
            as amount_in_logged_raw,
        case when logged_out_raw > 0 then logged_out_raw else logged_out_raw * 0 end
            as amount_out_logged_raw,
        amount0_raw,
        amount1_raw,
        case when is_known then fee_pips end as fee_pips,
        sqrt_price_x96,
        tick,
        liquidity_raw,
        reserve0_raw,
        reserve1_raw,
        sender,
        recipient,
        is_known,
        sells_token0,
        is_flash,
        coalesce(bought_raw < 0 and sold_raw > 0, false) as is_exchange,
        has_overflow
    from directed

)

select * from final

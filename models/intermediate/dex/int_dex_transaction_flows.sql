{{
    config(
        materialized = 'incremental',
        incremental_strategy = replace_strategy(),
        partition_by = day_partition('block_date'),
        cluster_by = ['chain_id', 'block_timestamp'],
        meta = price_meta(18, date='block_date', time='block_timestamp'),
        pre_hook = "{{ find_dirty_days() }}",
        post_hook = "{{ record_watermark(ref('int_dimension_changes')) }}",
    )
}}

-- What a transaction's trader gained and gave of each token over all its swaps of proven pools.
with

swaps as (

    select * from {{ ref('int_dex_swap_values') }}
    where
        is_known
        and {{ is_dirty('block_date', 'block_timestamp') }}

),

tokens as (

    select * from {{ ref('tokens') }}

),

prices as (

    select * from {{ ref('token_prices_hourly') }}
    where {{ is_dirty('price_hour', 'price_hour') }}

),

-- Beyond 1e36 a worthless token's amounts could overflow a sum: such a flow is unknown.
legs as (

    select
        chain_id,
        block_timestamp,
        block_date,
        tx_hash,
        price_hour,
        token0 as token_address,
        case
            when abs(amount0_raw) <= {{ exact_int('1000000000000000000000000000000000000') }}
                then -amount0_raw
        end as flow_raw
    from swaps
    union all
    select
        chain_id,
        block_timestamp,
        block_date,
        tx_hash,
        price_hour,
        token1 as token_address,
        case
            when abs(amount1_raw) <= {{ exact_int('1000000000000000000000000000000000000') }}
                then -amount1_raw
        end as flow_raw
    from swaps

),

nets as (

    select
        chain_id,
        block_timestamp,
        block_date,
        tx_hash,
        price_hour,
        token_address,
        case when count(flow_raw) = count(*) then sum(flow_raw) end as net_raw
    from legs
    group by chain_id, block_timestamp, block_date, tx_hash, price_hour, token_address

),

valued as (

    select
        nets.*,
        abs({{ to_human('nets.net_raw', 'tokens.decimals') }} * prices.price_usd) as value_usd
    from nets
    left outer join tokens
        on
            nets.chain_id = tokens.chain_id
            and nets.token_address = tokens.token_address
    left outer join prices
        on
            nets.chain_id = prices.chain_id
            and nets.token_address = prices.token_address
            and nets.price_hour = prices.price_hour

),

final as (

    select
        chain_id,
        block_timestamp,
        block_date,
        tx_hash,
        token_address,
        net_raw,
        case when net_raw = 0 then 0 else {{ to_usd('value_usd') | indent(8) }} end as net_abs_usd
    from valued

)

select * from final

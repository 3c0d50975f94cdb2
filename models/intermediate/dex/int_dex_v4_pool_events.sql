{{ config(materialized = 'audit') }}

-- Events of V4 pools that set a price or change a position, in the shape of int_dex_v3_pool_events.
with

initializes as (

    select * from {{ ref('stg_uniswap_v4__pool_manager_initialize') }}

),

swaps as (

    select * from {{ ref('stg_uniswap_v4__pool_manager_swap') }}

),

changes as (

    select * from {{ ref('stg_uniswap_v4__pool_manager_modify_liquidity') }}

),

events as (

    select
        chain_id,
        pool_id,
        block_number,
        log_index,
        'initialize' as event_name,
        sqrt_price_x96,
        tick,
        {{ exact_int('0') }} as stated_liquidity_raw,
        cast(null as int64) as tick_lower,
        cast(null as int64) as tick_upper,
        {{ exact_int('0') }} as liquidity_delta_raw
    from initializes
    union all
    select
        chain_id,
        pool_id,
        block_number,
        log_index,
        'swap' as event_name,
        sqrt_price_x96,
        tick,
        liquidity_raw as stated_liquidity_raw,
        cast(null as int64) as tick_lower,
        cast(null as int64) as tick_upper,
        {{ exact_int('0') }} as liquidity_delta_raw
    from swaps
    union all
    select
        chain_id,
        pool_id,
        block_number,
        log_index,
        'modify_liquidity' as event_name,
        cast(null as {{ dbt.type_string() }}) as sqrt_price_x96,
        cast(null as int64) as tick,
        cast(null as {{ type_exact_int() }}) as stated_liquidity_raw,
        tick_lower,
        tick_upper,
        liquidity_delta_raw
    from changes

)

select * from events

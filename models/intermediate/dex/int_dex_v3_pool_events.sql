{{ config(materialized = 'audit') }}

-- Events of V3 pools of any emitter that set a price or change a position, in one shape.
with

initializes as (

    select * from {{ ref('stg_uniswap_v3__pool_initialize') }}

),

swaps as (

    select * from {{ ref('int_dex_v3_swaps') }}

),

mints as (

    select * from {{ ref('stg_uniswap_v3__pool_mint') }}

),

burns as (

    select * from {{ ref('stg_uniswap_v3__pool_burn') }}

),

events as (

    select
        chain_id,
        pool_address,
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
        pool_address,
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
        pool_address,
        block_number,
        log_index,
        'mint' as event_name,
        cast(null as {{ dbt.type_string() }}) as sqrt_price_x96,
        cast(null as int64) as tick,
        cast(null as {{ type_exact_int() }}) as stated_liquidity_raw,
        tick_lower,
        tick_upper,
        liquidity_raw as liquidity_delta_raw
    from mints
    union all
    select
        chain_id,
        pool_address,
        block_number,
        log_index,
        'burn' as event_name,
        cast(null as {{ dbt.type_string() }}) as sqrt_price_x96,
        cast(null as int64) as tick,
        cast(null as {{ type_exact_int() }}) as stated_liquidity_raw,
        tick_lower,
        tick_upper,
        -liquidity_raw as liquidity_delta_raw
    from burns

)

select * from events

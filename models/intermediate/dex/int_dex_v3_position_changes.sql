{{ config(materialized = 'audit') }}

-- Changes of the liquidity of positions in V3 pools of any emitter. A burn of nothing (a "poke") is among them.
with

mints as (

    select * from {{ ref('stg_uniswap_v3__pool_mint') }}

),

burns as (

    select * from {{ ref('stg_uniswap_v3__pool_burn') }}

),

changes as (

    select
        chain_id,
        pool_address,
        block_number,
        log_index,
        owner,
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
        owner,
        tick_lower,
        tick_upper,
        -liquidity_raw as liquidity_delta_raw
    from burns

)

select * from changes

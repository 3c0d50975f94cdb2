-- DV3: the positions in range, summed from their events alone, are the liquidity that every V4 swap states.
with

states as (

    select * from {{ ref('int_dex_v4_pool_states') }}

),

crossings as (

    select * from {{ ref('int_dex_v4_tick_crossings') }}

),

pools as (

    select * from {{ ref('int_dex_v4_pools') }}

),

{{ swap_liquidity_checks('pool_id') }},

{{ pool_check_rows('DV3', 'stg_uniswap_v4', pool='pool_id') }}

select * from final

-- D3: the positions in range, summed from their events alone, are the liquidity that every swap states.
with

states as (

    select * from {{ ref('int_dex_v3_pool_states') }}

),

crossings as (

    select * from {{ ref('int_dex_v3_tick_crossings') }}

),

pools as (

    select * from {{ ref('int_dex_pools') }}
    where protocol != 'unknown' and family = 'uniswap_v3'

),

{{ swap_liquidity_checks('pool_address') }},

{{ pool_check_rows('D3', 'dex_trades') }}

select * from final

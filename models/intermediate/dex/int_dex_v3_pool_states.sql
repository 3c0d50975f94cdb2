{{ config(materialized = 'audit') }}

-- Price, tick and active liquidity of every proven V3 pool after each of its events. Liquidity is what the last
-- swap stated plus what positions in range changed since, so it needs no history before that swap.
with

pools as (

    select * from {{ ref('dex_pools') }}
    where protocol != 'unknown' and family = 'uniswap_v3'

),

events as (

    select * from {{ ref('int_dex_v3_pool_events') }}

),

{{ concentrated_pool_states('pool_address') }}

select * from final

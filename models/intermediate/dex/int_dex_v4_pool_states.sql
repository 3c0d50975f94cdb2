{{ config(materialized = 'audit') }}

-- Price, tick and active liquidity of every V4 pool after each of its events.
with

pools as (

    select * from {{ ref('int_dex_v4_pools') }}

),

events as (

    select * from {{ ref('int_dex_v4_pool_events') }}

),

{{ concentrated_pool_states('pool_id') }}

select * from final

{{ config(materialized = 'audit') }}

-- Change of active liquidity by the ticks that each V4 swap crossed, from the positions alone.
with

states as (

    select * from {{ ref('int_dex_v4_pool_states') }}

),

{{ tick_crossings('pool_id') }}

select * from final

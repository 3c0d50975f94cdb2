{{ config(materialized = 'audit') }}

-- Change of active liquidity by the ticks that each swap crossed, from the positions alone: what positions had put
-- at each tick by then. Swaps are matched with the ticks that exist, not with the events at them.
with

states as (

    select * from {{ ref('int_dex_v3_pool_states') }}

),

{{ tick_crossings('pool_address') }}

select * from final

{{ config(materialized = 'audit') }}

-- Positions in V4 pools, from their first event on.
with

states as (

    select * from {{ ref('int_dex_v4_position_states') }}

),

final as (

    select
        chain_id,
        position_id,
        pool_id,
        protocol,
        family,
        min(block_number) as created_block
    from states
    group by chain_id, position_id, pool_id, protocol, family

)

select * from final

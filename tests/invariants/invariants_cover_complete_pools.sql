{{ config(meta = {'tested_in_audits': true}) }}

-- Every complete pool that traded up to the head was checked by the identity of its family.
with

pools as (

    select * from {{ ref('int_dex_pools') }}
    where is_history_complete

),

trades as (

    select
        chain_id,
        pool_id,
        min(block_number) as first_block
    from {{ ref('dex_trades') }}
    group by chain_id, pool_id

),

checked as (

    select * from {{ ref('data_invariants') }}
    where invariant_id in ('D1', 'D3') and checked_count > 0

),

final as (

    select
        pools.chain_id,
        pools.pool_id
    from pools
    inner join trades
        on
            pools.chain_id = trades.chain_id
            and pools.pool_id = trades.pool_id
            and pools.head_block >= trades.first_block
    left outer join checked
        on
            pools.chain_id = checked.chain_id
            and pools.pool_id = checked.entity
    where checked.entity is null

)

select * from final

{{ config(materialized = 'audit') }}

-- Liquidity of every V4 position after each of its events. A position is pool, owner, range and salt; its owner is who
-- called the manager, mostly a router or a position manager.
with

changes as (

    select * from {{ ref('stg_uniswap_v4__pool_manager_modify_liquidity') }}

),

pools as (

    select * from {{ ref('int_dex_v4_pools') }}

),

named as (

    select
        changes.chain_id,
        changes.pool_id,
        changes.block_number,
        changes.log_index,
        changes.liquidity_delta_raw,
        pools.protocol,
        pools.family,
        pools.created_block as known_from_block,
        concat(
            changes.pool_id,
            ' ',
            changes.sender,
            ' ',
            {{ int_to_text('changes.tick_lower') | indent(12) }},
            ' ',
            {{ int_to_text('changes.tick_upper') | indent(12) }},
            ' ',
            changes.salt
        ) as position_id
    from changes
    inner join pools
        on
            changes.chain_id = pools.chain_id
            and changes.pool_id = pools.pool_id

),

final as (

    select
        *,
        sum(liquidity_delta_raw) over (
            partition by chain_id, position_id
            order by block_number, log_index
            rows between unbounded preceding and current row
        ) as liquidity_raw
    from named

)

select * from final

-- D14: pools that traded are in dex_pools, and a factory made no two pools of the same tokens and fee.
with

pools as (

    select * from {{ ref('dex_pools') }}

),

swaps as (

    select
        chain_id,
        pool_address,
        block_number
    from {{ ref('int_dex_v2_swaps') }}
    union all
    select
        chain_id,
        pool_address,
        block_number
    from {{ ref('int_dex_v3_swaps') }}

),

traded as (

    select
        chain_id,
        pool_address,
        min(block_number) as block_number,
        max(block_number) as last_block
    from swaps
    group by chain_id, pool_address

),

proven as (

    select
        *,
        count(*) over (
            partition by chain_id, factory_address, token0, token1, fee_pips
        ) as pool_count
    from pools
    where protocol != 'unknown'

),

checked as (

    select
        traded.chain_id,
        'traded pools' as entity,
        traded.block_number,
        0 as log_index,
        'in dex_pools' as expected_value,
        traded.pool_address as actual_value,
        pools.pool_id is null as is_failed,
        traded.last_block as as_of_block
    from traded
    left outer join pools
        on
            traded.chain_id = pools.chain_id
            and traded.pool_address = pools.pool_address
    union all
    select
        chain_id,
        factory_address as entity,
        created_block as block_number,
        0 as log_index,
        {{ dbt.concat(['token0', "' '", 'token1', "' once'"]) }} as expected_value,
        pool_id as actual_value,
        -- Pools whose tokens are unknown are alike in that alone.
        pool_count > 1 and token0 is not null and token1 is not null as is_failed,
        created_block as as_of_block
    from proven

),

subjects as (

    select
        chain_id,
        entity,
        true as is_determined,
        coalesce(max(as_of_block), 0) as as_of_block
    from checked
    group by chain_id, entity

),

{{ check_rows('D14', 'dex_pools') }}

select * from final

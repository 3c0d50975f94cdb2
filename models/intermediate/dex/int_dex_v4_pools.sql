{{ config(materialized = 'audit') }}

-- Pools of the registered Uniswap V4 managers, those included whose initialisation is not loaded: only the id is known of
-- them. A pool has no contract; its manager keeps it under its id.
with

initializes as (

    select * from {{ ref('stg_uniswap_v4__pool_manager_initialize') }}

),

swaps as (

    select * from {{ ref('stg_uniswap_v4__pool_manager_swap') }}

),

changes as (

    select * from {{ ref('stg_uniswap_v4__pool_manager_modify_liquidity') }}

),

managers as (

    select * from {{ ref('registry_contracts') }}
    where family = 'uniswap_v4' and role = 'pool_manager'

),

heads as (

    select * from {{ ref('int_ledger_heads') }}
    where family = 'uniswap_v4'

),

seen as (

    select
        chain_id,
        manager_address,
        pool_id
    from initializes
    union distinct
    select
        chain_id,
        manager_address,
        pool_id
    from swaps
    union distinct
    select
        chain_id,
        manager_address,
        pool_id
    from changes

),

final as (

    select
        seen.chain_id,
        seen.pool_id,
        seen.manager_address,
        managers.family,
        managers.protocol,
        managers.version,
        initializes.currency0,
        initializes.currency1,
        initializes.fee_pips,
        initializes.tick_spacing,
        initializes.hooks_address,
        initializes.block_number as created_block,
        initializes.block_timestamp as created_timestamp,
        coalesce(initializes.block_number between heads.from_block and heads.head_block, false)
            as is_history_complete,
        heads.head_block
    from seen
    inner join managers
        on
            seen.chain_id = managers.chain_id
            and seen.manager_address = managers.contract_address
    left outer join initializes
        on
            seen.chain_id = initializes.chain_id
            and seen.manager_address = initializes.manager_address
            and seen.pool_id = initializes.pool_id
    left outer join heads
        on seen.chain_id = heads.chain_id

)

select * from final

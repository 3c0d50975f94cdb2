{{ config(materialized = 'audit') }}

-- One row per pool and token, from the registrations of both.
with

pools as (

    select * from {{ ref('stg_balancer_v2__vault_pool_registered') }}

),

registrations as (

    select * from {{ ref('stg_balancer_v2__vault_tokens_registered') }}

),

final as (

    select
        pools.chain_id,
        pools.vault_address,
        pools.pool_id,
        pools.pool_address,
        items.item as token_address,
        pools.block_number as created_block
    from registrations
    inner join pools
        on
            registrations.chain_id = pools.chain_id
            and registrations.vault_address = pools.vault_address
            and registrations.pool_id = pools.pool_id
    cross join {{ unnest_json_array('registrations.token_addresses') | indent(4) }}

)

select * from final

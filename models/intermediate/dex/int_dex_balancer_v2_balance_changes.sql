{{ config(materialized = 'audit') }}

-- What each event added to, or took from, a pool's balance of a token: cash in the vault and what is invested together.
with

swaps as (

    select * from {{ ref('stg_balancer_v2__vault_swap') }}

),

-- three lists side by side
joins_and_exits as (

    select
        changed.chain_id,
        changed.block_number,
        changed.log_index,
        changed.vault_address,
        changed.pool_id,
        items.item as token_address,
        {{ json_array_at('changed.deltas_raw', 'items.item_index') }} as delta,
        {{ json_array_at('changed.protocol_fees_raw', 'items.item_index') }} as protocol_fee
    from {{ ref('stg_balancer_v2__vault_pool_balance_changed') }} as changed
    cross join {{ unnest_json_array('changed.token_addresses') | indent(4) }}

),

managed as (

    select * from {{ ref('stg_balancer_v2__vault_pool_balance_managed') }}

),

unioned as (

    select
        chain_id, block_number, log_index, vault_address, pool_id,
        token_in_address as token_address,
        'swap' as event_name,
        amount_in_raw as delta_raw
    from swaps
    union all
    select
        chain_id, block_number, log_index, vault_address, pool_id,
        token_out_address as token_address,
        'swap' as event_name,
        -amount_out_raw as delta_raw
    from swaps
    union all
    -- what is due to the protocol leaves the pool whichever way the provider's tokens go
    select
        chain_id, block_number, log_index, vault_address, pool_id,
        token_address,
        'pool_balance_changed' as event_name,
        {{ to_exact_int('delta') | indent(8) }}
        - {{ to_exact_int('protocol_fee') | indent(8) }} as delta_raw
    from joins_and_exits
    union all
    select
        chain_id, block_number, log_index, vault_address, pool_id,
        token_address,
        'pool_balance_managed' as event_name,
        cash_delta_raw + managed_delta_raw as delta_raw
    from managed

)

select * from unioned

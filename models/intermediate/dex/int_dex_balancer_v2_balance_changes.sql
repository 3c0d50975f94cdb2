-- What each event added to, or took from, a pool's balance of a token: cash in the vault and what is invested together.
with

swaps as (

    select * from {{ ref('stg_balancer_v2__vault_swap') }}

),

joins_and_exits as (

    select * from {{ ref('stg_balancer_v2__vault_pool_balance_changed') }}

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
        joins_and_exits.chain_id, joins_and_exits.block_number, joins_and_exits.log_index,
        joins_and_exits.vault_address, joins_and_exits.pool_id,
        items.item as token_address,
        'pool_balance_changed' as event_name,
        {{ to_exact_int(json_array_at('joins_and_exits.deltas_raw', 'items.item_index')) | indent(8) }}
        - {{ to_exact_int(
            json_array_at('joins_and_exits.protocol_fees_raw', 'items.item_index')
        ) | indent(8) }} as delta_raw
    from joins_and_exits
    cross join {{ unnest_json_array('joins_and_exits.token_addresses') | indent(4) }}
    union all
    select
        chain_id, block_number, log_index, vault_address, pool_id,
        token_address,
        'pool_balance_managed' as event_name,
        cash_delta_raw + managed_delta_raw as delta_raw
    from managed

)

select * from unioned

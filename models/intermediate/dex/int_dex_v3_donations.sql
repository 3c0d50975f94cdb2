{{ config(materialized = 'audit') }}

-- Tokens sent to a proven V3 pool outside its events, where transfers are loaded: they enter in a transaction in which
-- the pool has no event and nothing leaves it. Beside an event, or against a payment, they would hide what is wrong.
with

transfers as (

    select * from {{ ref('int_dex_pool_token_transfers') }}
    where family = 'uniswap_v3'

),

flows as (

    select * from {{ ref('int_dex_v3_token_flows') }}

),

active as (

    select chain_id, pool_address, tx_hash from flows
    union distinct
    select chain_id, pool_address, tx_hash from transfers
    where direction = 'out'

),

final as (

    select
        transfers.chain_id,
        transfers.pool_address,
        transfers.token_address,
        transfers.block_number,
        transfers.tx_hash,
        transfers.log_index,
        transfers.amount_raw
    from transfers
    left outer join active
        on
            transfers.chain_id = active.chain_id
            and transfers.pool_address = active.pool_address
            and transfers.tx_hash = active.tx_hash
    where transfers.direction = 'in' and active.tx_hash is null

)

select * from final

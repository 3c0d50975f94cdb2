-- Tokens sent to a proven V3 pool outside its events, where transfers are loaded: they enter in a transaction in which
-- the pool has no event and nothing leaves it. Beside an event, or against a payment, they would hide what is wrong.
with

pools as (

    select * from {{ ref('int_dex_pools') }}
    where protocol != 'unknown' and family = 'uniswap_v3'

),

flows as (

    select * from {{ ref('int_dex_v3_token_flows') }}

),

transfers as (

    select * from {{ ref('stg_erc20__token_transfer') }}

),

entering as (

    select
        transfers.chain_id,
        pools.pool_address,
        transfers.token_address,
        transfers.block_number,
        transfers.tx_hash,
        transfers.log_index,
        transfers.amount_raw
    from transfers
    inner join pools
        on
            transfers.chain_id = pools.chain_id
            and transfers.to_address = pools.pool_address
            and transfers.token_address in (pools.token0, pools.token1)

),

active as (

    select
        chain_id,
        pool_address,
        tx_hash
    from flows
    union distinct
    select
        transfers.chain_id,
        pools.pool_address,
        transfers.tx_hash
    from transfers
    inner join pools
        on
            transfers.chain_id = pools.chain_id
            and transfers.from_address = pools.pool_address
            and transfers.token_address in (pools.token0, pools.token1)

),

final as (

    select entering.*
    from entering
    left outer join active
        on
            entering.chain_id = active.chain_id
            and entering.pool_address = active.pool_address
            and entering.tx_hash = active.tx_hash
    where active.tx_hash is null

)

select * from final

{{ config(materialized = 'audit') }}

-- Transfers of the shares of every proven V2 pair, where transfers are loaded. A pair burns only what it holds itself:
-- a share that somebody else sends to the zero address is not burned, and the first 1000 are minted to it.
with

pools as (

    select * from {{ ref('dex_pools') }}
    where protocol != 'unknown' and family = 'uniswap_v2'

),

transfers as (

    select * from {{ ref('stg_erc20__token_transfer') }}

),

final as (

    select
        transfers.chain_id,
        pools.pool_address,
        transfers.block_number,
        transfers.tx_hash,
        transfers.log_index,
        transfers.from_address,
        transfers.to_address,
        transfers.amount_raw,
        case
            when transfers.from_address = {{ zero_address() }} then 'mint'
            when
                transfers.from_address = pools.pool_address
                and transfers.to_address = {{ zero_address() }}
                then 'burn'
            else 'transfer'
        end as transfer_kind
    from transfers
    inner join pools
        on
            transfers.chain_id = pools.chain_id
            and transfers.token_address = pools.pool_address

)

select * from final

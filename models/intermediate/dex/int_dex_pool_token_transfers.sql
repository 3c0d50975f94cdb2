{{ config(materialized = 'audit') }}

-- Transfers of a proven pool's own tokens to it (positive) and from it (negative), where transfers are loaded. Sent by
-- a pool to itself, an amount is here with both signs.
with

pools as (

    select * from {{ ref('dex_pools') }}
    where protocol != 'unknown'

),

transfers as (

    select * from {{ ref('stg_erc20__token_transfer') }}

),

final as (

    {% for side, sign in [('to_address', 1), ('from_address', -1)] -%}
    select
        transfers.chain_id,
        pools.pool_address,
        pools.family,
        transfers.token_address,
        transfers.block_number,
        transfers.tx_hash,
        transfers.log_index,
        {{ sign }} * transfers.amount_raw as amount_raw,
        '{{ 'in' if sign > 0 else 'out' }}' as direction
    from transfers
    inner join pools
        on
            transfers.chain_id = pools.chain_id
            and transfers.{{ side }} = pools.pool_address
            and transfers.token_address in (pools.token0, pools.token1)
    {{ 'union all' if not loop.last }}
    {% endfor -%}

)

select * from final

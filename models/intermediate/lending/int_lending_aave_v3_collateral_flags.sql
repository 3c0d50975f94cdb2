-- When a reserve counted as collateral of an account: the flag events are authoritative.
with

stated as (

    select
        chain_id, pool_address as market_address, token_address, account_address,
        block_number, block_date, log_index, true as is_collateral
    from {{ ref('stg_aave_v3__pool_reserve_used_as_collateral_enabled') }}
    union all
    select
        chain_id, pool_address as market_address, token_address, account_address,
        block_number, block_date, log_index, false as is_collateral
    from {{ ref('stg_aave_v3__pool_reserve_used_as_collateral_disabled') }}

),

final as (

    select
        stated.*,
        {{ until_block(
            'stated', ['chain_id', 'market_address', 'token_address', 'account_address']
        ) | indent(8) }} as until_block
    from stated

)

select * from final

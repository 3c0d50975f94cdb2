-- Scaled balance of every account in every aToken and debt token after each block that changed it.
with

deltas as (

    select * from {{ ref('int_lending_aave_v3_scaled_deltas') }}

),

reserves as (

    select * from {{ ref('int_lending_aave_v3_reserves') }}

),

position_tokens as (

    select
        chain_id, market_address, token_address, atoken_address as position_token_address,
        'supply' as side
    from reserves
    where atoken_address is not null
    union all
    select chain_id, market_address, token_address, variable_debt_token_address, 'debt' as side
    from reserves
    where variable_debt_token_address is not null

),

per_block as (

    select
        position_tokens.chain_id,
        position_tokens.market_address,
        position_tokens.token_address,
        position_tokens.side,
        position_tokens.position_token_address,
        deltas.account_address,
        deltas.block_number,
        deltas.block_timestamp,
        deltas.block_date,
        max(deltas.log_index) as log_index,
        -- A sum skips what is unknown: the block's change is known only if each of its deltas is.
        case when count(deltas.scaled_delta_raw) = count(*) then sum(deltas.scaled_delta_raw) end
            as scaled_delta_raw
    from deltas
    inner join position_tokens
        on
            deltas.chain_id = position_tokens.chain_id
            and deltas.position_token_address = position_tokens.position_token_address
    group by
        position_tokens.chain_id,
        position_tokens.market_address,
        position_tokens.token_address,
        position_tokens.side,
        position_tokens.position_token_address,
        deltas.account_address,
        deltas.block_number,
        deltas.block_timestamp,
        deltas.block_date

),

final as (

    select
        per_block.chain_id,
        per_block.market_address,
        per_block.token_address,
        per_block.side,
        per_block.position_token_address,
        per_block.account_address,
        per_block.block_number,
        per_block.block_timestamp,
        per_block.block_date,
        per_block.scaled_delta_raw,
        sum(per_block.scaled_delta_raw) over (
            partition by
                per_block.chain_id, per_block.position_token_address, per_block.account_address
            order by per_block.block_number
            rows between unbounded preceding and current row
        ) as scaled_balance_raw,
        {{ until_block(
            'per_block', ['chain_id', 'position_token_address', 'account_address']
        ) | indent(8) }} as until_block
    from per_block

)

select * from final

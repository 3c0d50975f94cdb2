-- Scaled supply and debt of every reserve after each block that changed them. Balances are summed per block
-- before they are accumulated.
with

balances as (

    select * from {{ ref('int_lending_aave_v3_scaled_balances') }}

),

per_block as (

    select
        chain_id,
        market_address,
        token_address,
        side,
        position_token_address,
        block_number,
        0 as log_index,
        sum(scaled_delta_raw) as scaled_delta_raw
    from balances
    group by
        chain_id, market_address, token_address, side, position_token_address, block_number

),

final as (

    select
        per_block.chain_id,
        per_block.market_address,
        per_block.token_address,
        per_block.side,
        per_block.position_token_address,
        per_block.block_number,
        sum(per_block.scaled_delta_raw) over (
            partition by per_block.chain_id, per_block.position_token_address
            order by per_block.block_number
            rows between unbounded preceding and current row
        ) as scaled_total_raw,
        {{ until_block('per_block', ['chain_id', 'position_token_address']) | indent(8) }}
            as until_block
    from per_block

)

select * from final

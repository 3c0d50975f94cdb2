-- What the pool's actions of a transaction say they did to each aToken and debt token, beside what that token's own
-- mints and burns say, in units of the token underneath. Blocks for which not every event is loaded are left out.
{#- action, staged event, the side it changes (supply or debt), sign of the change, condition -#}
{%- set legs = [
    ('pool_supply', 'supply', '+', 'true'),
    ('pool_withdraw', 'supply', '-', 'true'),
    ('pool_minted_to_treasury', 'supply', '+', 'true'),
    ('pool_deficit_covered', 'supply', '-', 'true'),
    ('pool_repay', 'supply', '-', 'is_paid_with_atokens'),
    ('pool_repay', 'debt', '-', 'true'),
    ('pool_borrow', 'debt', '+', 'interest_rate_mode = 2'),
    ('pool_deficit_created', 'debt', '-', 'true'),
] %}

with

reserves as (

    select * from {{ ref('int_lending_aave_v3_reserves') }}

),

liquidations as (

    select * from {{ ref('stg_aave_v3__pool_liquidation_call') }}

),

-- Either side of each reserve, by the token that stands for it. That of a reserve initialised before the loaded range is
-- not known: nothing can be said of it.
sides as (

    select
        chain_id, market_address, token_address, 'supply' as side,
        atoken_address as position_token_address
    from reserves
    where atoken_address is not null
    union all
    select
        chain_id, market_address, token_address, 'debt' as side,
        variable_debt_token_address as position_token_address
    from reserves
    where variable_debt_token_address is not null

),

stated as (

    {% for event, side, sign, condition in legs %}
    select
        chain_id, pool_address, token_address, block_number, tx_hash, '{{ side }}' as side,
        {{ sign }}amount_raw as amount_raw
    from {{ ref('stg_aave_v3__' ~ event) }}
    where {{ condition }}
    union all
    {% endfor %}
    select
        chain_id, pool_address, debt_token_address as token_address, block_number, tx_hash,
        'debt' as side, -debt_amount_raw as amount_raw
    from liquidations
    union all
    -- Collateral that the liquidator takes as aTokens is transferred, not burned.
    select
        chain_id, pool_address, collateral_token_address as token_address, block_number, tx_hash,
        'supply' as side, -collateral_amount_raw as amount_raw
    from liquidations
    where not is_atoken_received

),

moved as (

    select
        chain_id, position_token_address, block_number, tx_hash,
        value_raw - balance_increase_raw as amount_raw
    from {{ ref('stg_aave_v3__token_mint') }}
    where {{ aave_is_plausible('value_raw', 'balance_increase_raw') }}
    union all
    select
        chain_id, position_token_address, block_number, tx_hash,
        -(value_raw + balance_increase_raw) as amount_raw
    from {{ ref('stg_aave_v3__token_burn') }}
    where {{ aave_is_plausible('value_raw', 'balance_increase_raw') }}

),

amounts as (

    select
        sides.chain_id, sides.market_address, sides.position_token_address, stated.block_number,
        stated.tx_hash, stated.amount_raw as stated_raw, {{ exact_int(0) }} as moved_raw
    from stated
    inner join sides
        on
            stated.chain_id = sides.chain_id
            and stated.pool_address = sides.market_address
            and stated.token_address = sides.token_address
            and stated.side = sides.side
    union all
    select
        sides.chain_id, sides.market_address, sides.position_token_address, moved.block_number,
        moved.tx_hash, {{ exact_int(0) }} as stated_raw, moved.amount_raw as moved_raw
    from moved
    inner join sides
        on
            moved.chain_id = sides.chain_id
            and moved.position_token_address = sides.position_token_address

),

final as (

    select
        amounts.chain_id,
        amounts.market_address,
        amounts.position_token_address,
        amounts.block_number,
        amounts.tx_hash,
        sum(amounts.stated_raw) as stated_raw,
        sum(amounts.moved_raw) as moved_raw
    from amounts
    inner join {{ ref('int_ledger_family_coverage') }} as coverage
        on
            amounts.chain_id = coverage.chain_id
            and coverage.family = 'aave_v3'
            and amounts.block_number between coverage.from_block and coverage.to_block
    group by
        amounts.chain_id,
        amounts.market_address,
        amounts.position_token_address,
        amounts.block_number,
        amounts.tx_hash

)

select * from final

-- What each update's indexes should be, from those before it, their rates and the time passed.
with

-- Rates, indexes and debt that the update before left are what this one must follow from.
steps as (

    select
        steps.chain_id,
        steps.market_address,
        steps.token_address,
        steps.block_number,
        steps.log_position,
        steps.has_jump,
        steps.liquidity_index_raw,
        steps.variable_borrow_index_raw,
        previous.liquidity_rate_raw,
        previous.variable_borrow_rate_raw,
        previous.liquidity_index_raw as previous_liquidity_index,
        previous.variable_borrow_index_raw as previous_borrow_index,
        previous.scaled_debt_raw,
        {{ aave_elapsed('previous.block_timestamp', 'steps.block_timestamp') }} as elapsed_s
    from {{ ref('int_quality_lending_index_steps') }} as steps
    inner join {{ ref('int_quality_lending_index_steps') }} as previous
        on
            steps.chain_id = previous.chain_id
            and steps.market_address = previous.market_address
            and steps.token_address = previous.token_address
            and steps.previous_log_position = previous.log_position

),

{{ aave_interest_factors('steps') }},

-- Without debt the borrow index stands still.
growth as (

    select
        *,
        case when scaled_debt_raw = 0 then {{ ray() }} else debt_factor_raw end as borrow_growth_raw
    from interest_factors

),

final as (

    select
        *,
        {{ ray_mul('income_factor_raw', 'previous_liquidity_index') | indent(8) }}
            as expected_liquidity_index,
        {{ ray_mul('borrow_growth_raw', 'previous_borrow_index') | indent(8) }}
            as expected_borrow_index
    from growth

)

select * from final

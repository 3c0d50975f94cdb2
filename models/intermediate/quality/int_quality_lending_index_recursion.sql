-- Verdict of invariant A1 per reserve.
with

markets as (

    select * from {{ ref('int_lending_aave_v3_markets') }}

),

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

expected as (

    select
        *,
        {{ ray_mul('income_factor_raw', 'previous_liquidity_index') | indent(8) }}
            as expected_liquidity_index,
        {{ ray_mul('borrow_growth_raw', 'previous_borrow_index') | indent(8) }}
            as expected_borrow_index
    from growth

),

judged as (

    select
        *,
        case
            when
                variable_borrow_index_raw = expected_borrow_index
                and (
                    liquidity_index_raw = expected_liquidity_index
                    or (has_jump and liquidity_index_raw >= expected_liquidity_index)
                )
                then 0
            else 1
        end as is_failed
    from expected

),

first_failures as (

    select * from judged
    where is_failed = 1
    qualify row_number() over (
        partition by chain_id, market_address, token_address order by log_position
    ) = 1

),

counted as (

    select
        chain_id,
        market_address,
        token_address,
        count(*) as checked_count,
        sum(is_failed) as failed_count
    from judged
    group by chain_id, market_address, token_address

),

final as (

    select
        'A1' as invariant_id,
        'lending_reserves_daily' as mart,
        counted.chain_id,
        {{ dbt.concat(['counted.market_address', "' '", 'counted.token_address']) }} as entity,
        case
            when markets.incomplete_reason is not null then 'incomplete'
            when counted.failed_count > 0 then 'failed'
            else 'ok'
        end as status,
        cast(
            case when markets.incomplete_reason is null then counted.checked_count else 0 end
            as {{ dbt.type_bigint() }}
        ) as checked_count,
        cast(
            case when markets.incomplete_reason is null then counted.failed_count else 0 end
            as {{ dbt.type_bigint() }}
        ) as failed_count,
        first_failures.block_number as first_failed_block,
        {{ dbt.concat([
            int_to_text('first_failures.expected_liquidity_index'), "' '",
            int_to_text('first_failures.expected_borrow_index'),
        ]) }} as expected_value,
        {{ dbt.concat([
            int_to_text('first_failures.liquidity_index_raw'), "' '",
            int_to_text('first_failures.variable_borrow_index_raw'),
        ]) }} as actual_value,
        markets.as_of_block
    from counted
    inner join markets
        on
            counted.chain_id = markets.chain_id
            and counted.market_address = markets.market_address
    left outer join first_failures
        on
            markets.incomplete_reason is null
            and counted.chain_id = first_failures.chain_id
            and counted.market_address = first_failures.market_address
            and counted.token_address = first_failures.token_address

)

select * from final

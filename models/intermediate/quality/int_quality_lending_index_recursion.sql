-- Verdict of invariant A1 per reserve.
with

markets as (

    select * from {{ ref('int_lending_aave_v3_markets') }}

),

steps as (

    select
        steps.*,
        {% for column in [
            'block_timestamp', 'liquidity_rate_raw', 'variable_borrow_rate_raw',
            'liquidity_index_raw', 'variable_borrow_index_raw', 'scaled_debt_raw',
        ] -%}
        lag(steps.{{ column }}) over (
            partition by steps.chain_id, steps.market_address, steps.token_address
            order by steps.log_position
        ) as last_{{ column }}{{ ',' if not loop.last }}
        {% endfor %}
    from {{ ref('int_quality_lending_index_steps') }} as steps

),

timed as (

    select
        *,
        cast(
            {{ unix_seconds('block_timestamp') }} - {{ unix_seconds('last_block_timestamp') }}
            as {{ type_exact_int() }}
        ) as elapsed_s,
        {{ ray_mul('last_variable_borrow_rate_raw', 'last_variable_borrow_rate_raw') | indent(8) }}
            as rate_squared
    from steps
    where last_block_timestamp is not null

),

powers as (

    select
        *,
        {{ aave_rate_power_2('rate_squared') }} as rate_power_2
    from timed

),

cubes as (

    select
        *,
        {{ ray_mul('rate_power_2', 'last_variable_borrow_rate_raw') | indent(8) }} as rate_cubed
    from powers

),

factors as (

    select
        *,
        {{ aave_linear_interest('last_liquidity_rate_raw', 'elapsed_s') }} as income_factor_raw,
        case
            when last_scaled_debt_raw = 0 then {{ ray() }}
            else {{ aave_compounded_interest(
                'last_variable_borrow_rate_raw', 'rate_squared', 'rate_cubed', 'elapsed_s'
            ) | indent(16) }}
        end as debt_factor_raw
    from cubes

),

expected as (

    select
        *,
        {{ ray_mul('income_factor_raw', 'last_liquidity_index_raw') | indent(8) }}
            as expected_liquidity_index,
        {{ ray_mul('debt_factor_raw', 'last_variable_borrow_index_raw') | indent(8) }}
            as expected_borrow_index
    from factors

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
            counted.chain_id = first_failures.chain_id
            and counted.market_address = first_failures.market_address
            and counted.token_address = first_failures.token_address

)

select * from final

-- A9: nobody healthy was liquidated, and each liquidator got what the contract's arithmetic gives: positions, prices
-- and parameters as of the log before, end to end.
with

markets as (

    select * from {{ ref('int_lending_aave_v3_markets') }}

),

asked as (

    select
        chain_id,
        market_address as entity
    from {{ ref('int_lending_aave_v3_liquidations') }}

),

points as (

    select * from {{ ref('int_lending_aave_v3_liquidation_points') }}

),

accounts as (

    select * from {{ ref('int_lending_aave_v3_liquidation_accounts') }}

),

checked as (

    select
        points.chain_id,
        points.market_address as entity,
        points.block_number,
        points.log_index,
        {{ dbt.concat([
            "'health factor: '",
            "coalesce(" ~ int_to_text('accounts.health_factor_raw') ~ ", 'none')",
        ]) }} as expected_value,
        'health factor: below 1000000000000000000' as actual_value,
        case
            when accounts.incomplete_reason is null
                then not coalesce(
                    accounts.health_factor_raw < {{ exact_int('1000000000000000000') }}, false
                )
        end as is_failed
    from points
    left outer join accounts
        on
            points.chain_id = accounts.chain_id
            and points.block_number = accounts.block_number
            and points.log_index = accounts.log_index
    union all
    select
        chain_id,
        market_address as entity,
        block_number,
        log_index,
        {{ dbt.concat([
            "'collateral: '", "coalesce(" ~ int_to_text('expected_collateral_raw') ~ ", 'none')"
        ]) }} as expected_value,
        {{ dbt.concat(["'collateral: '", int_to_text('collateral_amount_raw')]) }} as actual_value,
        case
            when is_priced or not has_positions
                then not coalesce(expected_collateral_raw = collateral_amount_raw, false)
        end as is_failed
    from {{ ref('int_quality_lending_liquidation_seizures') }}

),

{{ market_check_rows('A9', 'lending_liquidations') }}

select * from final

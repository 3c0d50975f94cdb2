-- M1: no market owes more than it was lent, nothing is below zero, and all interest is that of the debt, the time and the
-- rate before it. Needs logs alone.
with

contracts as (

    select * from {{ ref('int_ledger_contract_histories') }}
    where family = 'morpho_blue' and role = 'morpho'

),

steps as (

    select * from {{ ref('int_quality_lending_morpho_blue_steps') }}

),

subjects as (

    select
        steps.chain_id,
        steps.market_id as entity,
        max(contracts.history_to_block) is not null as is_determined,
        coalesce(max(contracts.history_to_block), max(steps.block_number)) as as_of_block
    from steps
    inner join contracts
        on
            steps.chain_id = contracts.chain_id
            and steps.morpho_address = contracts.contract_address
    group by steps.chain_id, steps.market_id

),

-- Totals beyond exact integers are NULL, and so is interest on more than the 1e29 that can be multiplied.
checked as (

    select
        steps.chain_id,
        steps.market_id as entity,
        steps.block_number,
        steps.log_index,
        {{ dbt.concat([
            "'interest '", "coalesce(" ~ int_to_text('steps.expected_interest_raw') ~ ", 'none')",
        ]) }} as expected_value,
        {{ dbt.concat([
            "'interest '", "coalesce(" ~ int_to_text('steps.interest_raw') ~ ", 'none')",
            "', supplied '", "coalesce(" ~ int_to_text('steps.supply_assets_raw') ~ ", 'unknown')",
            "', borrowed '", "coalesce(" ~ int_to_text('steps.borrow_assets_raw') ~ ", 'unknown')",
        ]) }} as actual_value,
        case
            when
                steps.supply_assets_raw is null
                or steps.supply_shares_raw is null
                or steps.borrow_assets_raw is null
                or steps.borrow_shares_raw is null
                then null
            when
                steps.event_name = 'accrue_interest'
                and steps.expected_interest_raw is null
                and steps.borrow_assets_raw > {{ exact_int('100000000000000000000000000000') }}
                then null
            else not coalesce(
                steps.supply_assets_raw >= steps.borrow_assets_raw
                and steps.borrow_assets_raw >= 0
                and steps.supply_shares_raw >= 0
                and steps.borrow_shares_raw >= 0
                and (
                    steps.event_name != 'accrue_interest'
                    or steps.interest_raw = steps.expected_interest_raw
                ),
                false
            )
        end as is_failed
    from steps
    inner join contracts
        on
            steps.chain_id = contracts.chain_id
            and steps.morpho_address = contracts.contract_address
    where
        contracts.history_to_block is null
        or steps.block_number <= contracts.history_to_block

),

{{ check_rows('M1', 'stg_morpho_blue') }}

select * from final

{{ config(materialized = 'audit') }}

-- Totals of each market after each of its events.
with

markets as (

    select * from {{ ref('stg_morpho_blue__morpho_create_market') }}

),

fees as (

    select * from {{ ref('stg_morpho_blue__morpho_set_fee') }}

),

changes as (

    select * from {{ ref('int_lending_morpho_blue_changes') }}

),

steps as (

    select
        chain_id, block_number, block_timestamp, log_index, morpho_address, market_id, event_name,
        supply_assets_delta_raw, supply_shares_delta_raw,
        borrow_assets_delta_raw, borrow_shares_delta_raw,
        cast(null as {{ type_exact_int() }}) as fee_raw
    from changes
    union all
    select
        chain_id, block_number, block_timestamp, log_index, morpho_address, market_id,
        'create_market' as event_name,
        {{ exact_int('0') }}, {{ exact_int('0') }}, {{ exact_int('0') }}, {{ exact_int('0') }},
        {{ exact_int('0') }} as fee_raw
    from markets
    union all
    select
        chain_id, block_number, block_timestamp, log_index, morpho_address, market_id,
        'set_fee' as event_name,
        {{ exact_int('0') }}, {{ exact_int('0') }}, {{ exact_int('0') }}, {{ exact_int('0') }},
        fee_raw
    from fees

),

summed as (

    select
        *,
        {% for total in ['supply_assets', 'supply_shares', 'borrow_assets', 'borrow_shares'] -%}
        {{ sum_of_all(total ~ '_delta_raw', window='history') | indent(8) }} as {{ total }}_sum_raw,
        {% endfor -%}
        -- supplying collateral is the one thing that leaves interest alone
        max(case when event_name != 'supply_collateral' then block_timestamp end) over history
            as last_update_timestamp,
        last_value(fee_raw ignore nulls) over history as current_fee_raw
    from steps
    window history as (
        partition by chain_id, morpho_address, market_id
        order by block_number, log_index
        rows between unbounded preceding and current row
    )

),

-- Whoever repays may pay one unit more than is owed: then nothing is owed, not less than nothing. What was written off
-- that way is as deep as the sum has ever been below zero.
final as (

    select
        chain_id,
        block_number,
        block_timestamp,
        log_index,
        morpho_address,
        market_id,
        event_name,
        supply_assets_sum_raw as supply_assets_raw,
        supply_shares_sum_raw as supply_shares_raw,
        borrow_assets_sum_raw - least(
            {{ exact_int('0') }},
            min(borrow_assets_sum_raw) over (
                partition by chain_id, morpho_address, market_id
                order by block_number, log_index
                rows between unbounded preceding and current row
            )
        ) as borrow_assets_raw,
        borrow_shares_sum_raw as borrow_shares_raw,
        last_update_timestamp,
        current_fee_raw as fee_raw
    from summed

)

select * from final

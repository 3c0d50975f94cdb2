-- Each step of a market, and of interest what the debt, the time and the rate before it make of it.
with

states as (

    select * from {{ ref('int_lending_morpho_blue_market_states') }}

),

accruals as (

    select * from {{ ref('stg_morpho_blue__morpho_accrue_interest') }}

),

steps as (

    select
        states.*,
        accruals.interest_raw,
        accruals.borrow_rate_raw,
        lag(states.borrow_assets_raw) over history as previous_borrow_assets_raw,
        {{ unix_seconds('states.block_timestamp') }}
        - {{ unix_seconds('lag(states.last_update_timestamp) over history') }} as elapsed_s
    from states
    left outer join accruals
        on
            states.chain_id = accruals.chain_id
            and states.block_number = accruals.block_number
            and states.log_index = accruals.log_index
    window history as (
        partition by states.chain_id, states.morpho_address, states.market_id
        order by states.block_number, states.log_index
    )

),

-- Three terms of the exponential, each rounded down: x, x^2 / 2, x^3 / 6.
first_terms as (

    select *, borrow_rate_raw * elapsed_s as first_term from steps

),

second_terms as (

    select *, {{ wad_mul_down('first_term', 'first_term') }} as squared from first_terms

),

third_terms as (

    select
        *,
        {{ int_div('squared', 2) }} as second_term
    from second_terms

),

cubed_terms as (

    select *, {{ wad_mul_down('second_term', 'first_term') }} as cubed from third_terms

),

factors as (

    select *, first_term + second_term + {{ int_div('cubed', 3) }} as factor from cubed_terms

),

final as (

    select
        chain_id,
        morpho_address,
        market_id,
        block_number,
        log_index,
        event_name,
        supply_assets_raw,
        supply_shares_raw,
        borrow_assets_raw,
        borrow_shares_raw,
        interest_raw,
        {{ wad_mul_down('previous_borrow_assets_raw', 'factor') }} as expected_interest_raw
    from factors

)

select * from final

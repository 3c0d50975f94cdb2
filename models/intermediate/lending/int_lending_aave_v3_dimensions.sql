{{ config(materialized = 'view') }}

-- What points, accounts and reserves depend on beside their logs, for int_dimension_changes.
with

lending_markets as (

    select
        'lending_markets' as dimension,
        chain_id,
        market_address as entity,
        {{ row_digest([
            'protocol', 'version', 'market', 'configurator_address', 'oracle_address', 'start_block',
            'base_currency_unit_raw', 'incomplete_reason'
        ]) | indent(8) }} as digest,
        {{ day_start("date '1970-01-01'") }} as first_timestamp
    from {{ ref('int_lending_aave_v3_markets') }}

),

-- Where a reserve's beginning is not loaded, any log may speak of it.
lending_reserves as (

    select
        'lending_reserves' as dimension,
        chain_id,
        concat(market_address, ' ', token_address) as entity,
        {{ row_digest([
            'symbol', 'decimals', 'reserve_number', 'atoken_address', 'variable_debt_token_address',
            'initialised_block', 'initialised_log_index', unix_seconds('first_event_timestamp')
        ]) | indent(8) }} as digest,
        case
            when initialised_block is not null then first_event_timestamp
            else {{ day_start("date '1970-01-01'") }}
        end as first_timestamp
    from {{ ref('int_lending_aave_v3_reserves') }}

),

-- The day alone: within it, what moves the head is dirty by itself.
lending_heads as (

    select
        'lending_heads' as dimension,
        chain_id,
        'head' as entity,
        {{ row_digest([to_date('as_of_timestamp')]) | indent(8) }} as digest,
        {{ day_start(to_date('as_of_timestamp')) }} as first_timestamp
    from {{ ref('int_lending_aave_v3_heads') }}

),

lending_pinned_blocks as (

    select
        'lending_pinned_blocks' as dimension,
        chain_id,
        cast(block_number as {{ dbt.type_string() }}) as entity,
        {{ row_digest([unix_seconds('block_timestamp')]) | indent(8) }} as digest,
        block_timestamp as first_timestamp
    from {{ ref('int_lending_aave_v3_pinned_blocks') }}

),

lending_price_coverage as (

    select
        'lending_price_coverage' as dimension,
        chain_id,
        concat(side, ' ', cast(end_block as {{ dbt.type_string() }})) as entity,
        {{ row_digest(['end_block']) | indent(8) }} as digest,
        first_timestamp
    from {{ ref('int_lending_aave_v3_price_coverage_ends') }}

),

unioned as (

    select * from lending_markets
    union all
    select * from lending_reserves
    union all
    select * from lending_heads
    union all
    select * from lending_pinned_blocks
    union all
    select * from lending_price_coverage

)

select * from unioned

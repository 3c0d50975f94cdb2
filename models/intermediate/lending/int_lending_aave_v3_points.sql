-- The points in time at which state is computed: the end of every day (23:59:59 UTC), the head of the ledger in
-- place of the last day's end, and every block at which the loader read the chain's own state.
{%- set change_models = [
    'int_lending_aave_v3_scaled_balances',
    'int_lending_aave_v3_reserve_indexes',
    'int_lending_aave_v3_prices',
    'int_lending_aave_v3_reserve_settings',
    'int_lending_aave_v3_emode_categories',
    'int_lending_aave_v3_emode_assets',
    'int_lending_aave_v3_collateral_flags',
    'int_lending_aave_v3_account_emodes',
] %}
with

markets as (

    select * from {{ ref('int_lending_aave_v3_markets') }}
    where as_of_timestamp is not null

),

changes as (

    {% for model in change_models %}
    select chain_id, market_address, block_date, max(block_number) as block_number
    from {{ ref(model) }}
    group by chain_id, market_address, block_date
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

first_days as (

    select
        chain_id,
        market_address,
        min(block_date) as first_date
    from {{ ref('int_lending_aave_v3_reserve_indexes') }}
    group by chain_id, market_address

),

days as (

    select
        markets.chain_id,
        markets.market_address,
        days.date_day as block_date
    from markets
    inner join first_days
        on
            markets.chain_id = first_days.chain_id
            and markets.market_address = first_days.market_address
    cross join {{ unnest_days('first_days.first_date', to_date('markets.as_of_timestamp')) }}

),

-- The last block of a day that changed anything stands for the day's end.
day_ends as (

    select
        days.chain_id,
        days.market_address,
        days.block_date,
        max(changes.block_number) as as_of_block,
        {{ day_end('days.block_date') }} as as_of_timestamp
    from days
    inner join changes
        on
            days.chain_id = changes.chain_id
            and days.market_address = changes.market_address
            and days.block_date >= changes.block_date
    inner join markets
        on
            days.chain_id = markets.chain_id
            and days.market_address = markets.market_address
    where days.block_date < {{ to_date('markets.as_of_timestamp') }}
    group by days.chain_id, days.market_address, days.block_date

),

reads as (

    select distinct
        chain_id,
        block_number,
        block_timestamp
    from {{ ref('stg_poolhouse__contract_reads') }}
    where function_name in ({{ "'" ~ aave_reconciled_functions() | join("', '") ~ "'" }})

),

kinds as (

    select
        chain_id, market_address, as_of_block, as_of_timestamp, block_date,
        0 as is_head, 0 as is_pinned
    from day_ends
    union all
    select
        chain_id, market_address, as_of_block, as_of_timestamp,
        {{ to_date('as_of_timestamp') }} as block_date, 1 as is_head, 0 as is_pinned
    from markets
    union all
    select
        markets.chain_id, markets.market_address, reads.block_number as as_of_block,
        reads.block_timestamp as as_of_timestamp, cast(null as date) as block_date,
        0 as is_head, 1 as is_pinned
    from markets
    inner join reads
        on
            markets.chain_id = reads.chain_id
            and markets.as_of_block >= reads.block_number
    where markets.incomplete_reason is null and reads.block_number >= markets.start_block

),

final as (

    select
        chain_id,
        market_address,
        as_of_block,
        as_of_timestamp,
        max(block_date) as block_date,
        max(is_head) = 1 as is_head,
        max(is_pinned) = 1 as is_pinned
    from kinds
    group by chain_id, market_address, as_of_block, as_of_timestamp

)

select * from final

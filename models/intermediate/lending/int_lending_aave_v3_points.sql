{{
    config(
        materialized = 'incremental',
        incremental_strategy = replace_strategy(),
        partition_by = day_partition('block_date'),
        cluster_by = ['chain_id', 'market_address'],
        meta = aave_onward('block_date'),
        pre_hook = "{{ find_dirty_days() }}",
        post_hook = "{{ record_watermark(ref('int_dimension_changes')) }}",
    )
}}
-- The points in time at which state is computed: the end of every day (23:59:59 UTC), the head of the ledger in
-- place of the last day's end, and every block at which the loader read the chain's own state.
{%- set closed_models = [
    'scaled_balances', 'reserve_indexes', 'prices', 'collateral_flags', 'account_emodes',
] -%}
{%- set whole_models = ['reserve_settings', 'emode_categories', 'emode_assets'] %}
with

markets as (

    select * from {{ ref('int_lending_aave_v3_markets') }}
    where as_of_timestamp is not null

),

pinned_blocks as (

    select * from {{ ref('int_lending_aave_v3_pinned_blocks') }}
    where {{ is_dirty_onward('block_date') }}

),

-- The last change up to any of the days to build still held when the first of them began, or came since.
changes as (

    {% for model in closed_models + whole_models %}
    select chain_id, market_address, block_date, max(block_number) as block_number
    from {{ ref('int_lending_aave_v3_' ~ model) }}
    {% if model in closed_models -%}
    where {{ is_dirty_onward('closed_date') }}
    {% endif -%}
    group by chain_id, market_address, block_date
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

first_days as (

    select
        chain_id,
        market_address,
        {{ to_date('min(first_event_timestamp)') }} as first_date
    from {{ ref('int_lending_aave_v3_reserves') }}
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
    where
        days.block_date < {{ to_date('markets.as_of_timestamp') }}
        and {{ is_dirty_onward('days.block_date') }}
    group by days.chain_id, days.market_address, days.block_date

),

kinds as (

    select
        chain_id, market_address, as_of_block, as_of_timestamp, block_date,
        1 as is_daily, 0 as is_head, 0 as is_pinned
    from day_ends
    union all
    select
        chain_id, market_address, as_of_block, as_of_timestamp,
        {{ to_date('as_of_timestamp') }} as block_date, 1 as is_daily, 1 as is_head, 0 as is_pinned
    from markets
    union all
    select
        markets.chain_id, markets.market_address, pinned_blocks.block_number as as_of_block,
        pinned_blocks.block_timestamp as as_of_timestamp,
        {{ to_date('pinned_blocks.block_timestamp') }} as block_date,
        0 as is_daily, 0 as is_head, 1 as is_pinned
    from markets
    inner join pinned_blocks
        on
            markets.chain_id = pinned_blocks.chain_id
            and markets.as_of_block >= pinned_blocks.block_number
            and markets.start_block <= pinned_blocks.block_number
    where markets.incomplete_reason is null

),

final as (

    select
        chain_id,
        market_address,
        as_of_block,
        as_of_timestamp,
        block_date,
        max(is_daily) = 1 as is_daily,
        max(is_head) = 1 as is_head,
        max(is_pinned) = 1 as is_pinned
    from kinds
    where {{ is_dirty_onward('block_date') }}
    group by chain_id, market_address, as_of_block, as_of_timestamp, block_date

)

select * from final

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
-- Price of every reserve at every point. Between the answer and the point every block of the oracles must be loaded,
-- else a newer answer may be missing.
with

points as (

    select * from {{ ref('int_lending_aave_v3_points') }}
    where {{ is_dirty_onward('block_date') }}

),

final as (

    select
        points.chain_id,
        points.market_address,
        points.as_of_block,
        points.as_of_timestamp,
        points.block_date,
        prices.token_address,
        prices.price_raw
    from points
    inner join {{ ref('int_lending_aave_v3_prices') }} as prices
        on
            points.chain_id = prices.chain_id
            and points.market_address = prices.market_address
            and {{ holds_at('prices', 'points') | indent(12) }}
    inner join {{ ref('int_ledger_family_coverage') }} as coverage
        on
            points.chain_id = coverage.chain_id
            and coverage.family = 'chainlink'
            and prices.answer_block >= coverage.from_block
            and points.as_of_block <= coverage.to_block
    where {{ is_dirty_onward('prices.closed_date') }}

)

select * from final

-- Prices at which anchors that are no stables price other tokens: their own pools', at most a day old, else the
-- oracle's.
{{
    config(
        materialized = 'incremental',
        incremental_strategy = replace_strategy(),
        partition_by = day_partition('price_hour', 'timestamp'),
        cluster_by = ['price_hour', 'chain_id', 'token_address'],
        meta = price_meta(10, read_back_days=1),
        pre_hook = "{{ find_dirty_days() }}",
        post_hook = "{{ record_watermark(ref('int_dimension_changes')) }}",
    )
}}

with

reference_prices as (

    select * from {{ ref('int_market_reference_prices_hourly') }}
    where {{ is_dirty('price_hour', 'price_hour') }}

),

pool_prices as (

    select * from {{ ref('int_market_stable_pool_prices_hourly') }}
    where
        {{ is_read_for_dirty('price_hour') }}
        and rejected_reason is null

),

anchors as (

    select * from {{ ref('registry_tokens') }}
    where is_anchor and category != 'stable'

),

{{ carry_forward('pool_prices', 'price_hour + interval 24 hour') }},

final as (

    select
        reference_prices.chain_id,
        reference_prices.token_address,
        reference_prices.price_hour,
        coalesce(carried.price_usd, reference_prices.oracle_price_usd) as price_usd
    from reference_prices
    inner join anchors
        on
            reference_prices.chain_id = anchors.chain_id
            and reference_prices.token_address = anchors.token_address
    left outer join carried
        on
            reference_prices.chain_id = carried.chain_id
            and reference_prices.token_address = carried.token_address
            and reference_prices.price_hour = carried.carried_hour

)

select * from final

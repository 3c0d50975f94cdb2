-- Hop 1: volume-weighted prices of tokens in pools against stables, each stable at its own price of the hour.
{{
    config(
        materialized = 'incremental',
        incremental_strategy = replace_strategy(),
        partition_by = day_partition('price_hour', 'timestamp'),
        cluster_by = ['price_hour', 'chain_id', 'token_address'],
        meta = price_meta(9, read_back_days=7),
        pre_hook = "{{ find_dirty_days() }}",
        post_hook = "{{ record_watermark(ref('int_dimension_changes')) }}",
    )
}}

with

pair_hours as (

    select * from {{ ref('int_market_pair_hours') }}
    where
        {{ is_dirty('price_hour', 'price_hour') }}
        and is_quote_stable

),

reference_prices as (

    select * from {{ ref('int_market_reference_prices_hourly') }}
    where {{ is_dirty('price_hour', 'price_hour') }}

),

valued as (

    select
        pair_hours.chain_id,
        pair_hours.token_address,
        pair_hours.price_hour,
        pair_hours.swap_count,
        pair_hours.base_raw,
        pair_hours.decimals,
        pair_hours.quote_amount * reference_prices.price_usd as quote_usd
    from pair_hours
    inner join reference_prices
        on
            pair_hours.chain_id = reference_prices.chain_id
            and pair_hours.quote_token_address = reference_prices.token_address
            and pair_hours.price_hour = reference_prices.price_hour

),

{{ pool_buckets('valued') }},

{{ price_guard('buckets') }}

select * from guarded

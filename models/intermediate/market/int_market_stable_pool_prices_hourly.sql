-- Hop 1: volume-weighted prices of tokens in pools against stables, each stable at its own price of the hour.
with

pair_hours as (

    select * from {{ ref('int_market_pair_hours') }}
    where is_quote_stable

),

reference_prices as (

    select * from {{ ref('int_market_reference_prices_hourly') }}

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

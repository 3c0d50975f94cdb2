-- Prices at which anchors that are no stables price other tokens: their own pools', at most a day old, else the
-- oracle's.
with

reference_prices as (

    select * from {{ ref('int_market_reference_prices_hourly') }}

),

pool_prices as (

    select * from {{ ref('int_market_stable_pool_prices_hourly') }}
    where rejected_reason is null

),

anchors as (

    select * from {{ ref('tokens') }}
    where is_anchor and category != 'stable'

),

filled as (

    select
        reference_prices.chain_id,
        reference_prices.token_address,
        reference_prices.price_hour,
        reference_prices.oracle_price_usd,
        {{ unix_seconds('reference_prices.price_hour') }} as hour_seconds,
        last_value(pool_prices.price_usd ignore nulls) over (
            partition by reference_prices.chain_id, reference_prices.token_address
            order by reference_prices.price_hour
            rows between unbounded preceding and current row
        ) as pool_price_usd,
        last_value(pool_prices.hour_seconds ignore nulls) over (
            partition by reference_prices.chain_id, reference_prices.token_address
            order by reference_prices.price_hour
            rows between unbounded preceding and current row
        ) as pool_hour_seconds
    from reference_prices
    inner join anchors
        on
            reference_prices.chain_id = anchors.chain_id
            and reference_prices.token_address = anchors.token_address
    left outer join pool_prices
        on
            reference_prices.chain_id = pool_prices.chain_id
            and reference_prices.token_address = pool_prices.token_address
            and reference_prices.price_hour = pool_prices.price_hour

),

final as (

    select
        chain_id,
        token_address,
        price_hour,
        case
            when hour_seconds - pool_hour_seconds <= 86400 then pool_price_usd
            else oracle_price_usd
        end as price_usd
    from filled

)

select * from final

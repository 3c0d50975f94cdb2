with

reference_prices as (

    select * from {{ ref('int_market_reference_prices_hourly') }}

),

pool_prices as (

    select * from {{ ref('int_market_pool_prices_hourly') }}

),

tokens as (

    select * from {{ ref('tokens') }}

),

joined as (

    select
        reference_prices.chain_id,
        reference_prices.token_address,
        reference_prices.price_hour,
        {{ unix_seconds('reference_prices.price_hour') }} as hour_seconds,
        tokens.symbol,
        tokens.category = 'stable' as is_stable,
        reference_prices.oracle_price_usd,
        reference_prices.oracle_age_s,
        reference_prices.is_oracle_stale,
        reference_prices.price_usd as reference_price_usd,
        reference_prices.price_source as reference_source,
        reference_prices.price_confidence as reference_confidence,
        pool_prices.swap_count,
        pool_prices.volume_usd,
        pool_prices.rejected_price_usd,
        pool_prices.rejected_reason,
        last_value(pool_prices.price_usd ignore nulls) over (
            partition by reference_prices.chain_id, reference_prices.token_address
            order by reference_prices.price_hour
            rows between unbounded preceding and current row
        ) as pool_price_usd,
        last_value(pool_prices.price_source ignore nulls) over (
            partition by reference_prices.chain_id, reference_prices.token_address
            order by reference_prices.price_hour
            rows between unbounded preceding and current row
        ) as pool_source,
        last_value(pool_prices.price_confidence ignore nulls) over (
            partition by reference_prices.chain_id, reference_prices.token_address
            order by reference_prices.price_hour
            rows between unbounded preceding and current row
        ) as pool_confidence,
        last_value(pool_prices.accepted_seconds ignore nulls) over (
            partition by reference_prices.chain_id, reference_prices.token_address
            order by reference_prices.price_hour
            rows between unbounded preceding and current row
        ) as pool_seconds
    from reference_prices
    inner join tokens
        on
            reference_prices.chain_id = tokens.chain_id
            and reference_prices.token_address = tokens.token_address
    left outer join pool_prices
        on
            reference_prices.chain_id = pool_prices.chain_id
            and reference_prices.token_address = pool_prices.token_address
            and reference_prices.price_hour = pool_prices.price_hour

),

-- A pool price is carried forward for a day and trusted less with every hour, half as much at the end.
aged as (

    select
        *,
        hour_seconds - pool_seconds as pool_age_s,
        coalesce(hour_seconds - pool_seconds <= 86400, false) as has_pool_price
    from joined

),

chosen as (

    select
        *,
        has_pool_price and not (is_stable and reference_price_usd is not null) as is_pool_price
    from aged

),

final as (

    select
        chain_id,
        token_address,
        price_hour,
        symbol,
        case when is_pool_price then pool_price_usd else reference_price_usd end as price_usd,
        case when is_pool_price then pool_source else reference_source end as price_source,
        case
            when is_pool_price
                then
                    pool_confidence
                    * (1 - cast(pool_age_s as {{ type_float64() }}) / 172800)
            else reference_confidence
        end as price_confidence,
        case
            when is_pool_price then pool_age_s
            when reference_source = 'oracle' then oracle_age_s
        end as price_age_s,
        case when has_pool_price then pool_price_usd end as market_price_usd,
        case when has_pool_price then pool_source end as market_source,
        case when has_pool_price then pool_age_s end as market_age_s,
        swap_count as market_swap_count,
        volume_usd as market_volume_usd,
        rejected_price_usd,
        rejected_reason,
        oracle_price_usd,
        oracle_age_s,
        is_oracle_stale,
        case
            when has_pool_price then {{ safe_ratio('pool_price_usd', 'oracle_price_usd') }} - 1
        end as market_deviation_ratio
    from chosen

)

select * from final

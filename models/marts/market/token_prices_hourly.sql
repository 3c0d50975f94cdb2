{{
    config(
        materialized = 'incremental',
        incremental_strategy = replace_strategy(),
        on_schema_change = 'fail',
        partition_by = day_partition('price_hour', 'timestamp'),
        cluster_by = ['price_hour', 'chain_id', 'token_address'],
        meta = price_meta(18, read_back_days=1),
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

    select * from {{ ref('int_market_pool_prices_hourly') }}
    where {{ is_read_for_dirty('price_hour') }}

),

tokens as (

    select * from {{ ref('tokens') }}

),

accepted as (

    select * from pool_prices
    where price_usd is not null

),

{{ carry_forward('accepted', 'price_hour + interval 24 hour') }},

joined as (

    select
        reference_prices.chain_id,
        reference_prices.token_address,
        reference_prices.price_hour,
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
        carried.price_usd as pool_price_usd,
        carried.price_source as pool_source,
        carried.price_confidence as pool_confidence,
        {{ unix_seconds('reference_prices.price_hour') }} - carried.accepted_seconds as pool_age_s
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
    left outer join carried
        on
            reference_prices.chain_id = carried.chain_id
            and reference_prices.token_address = carried.token_address
            and reference_prices.price_hour = carried.carried_hour

),

-- A pool price is carried forward for a day and trusted less with every hour, half as much at the end.
chosen as (

    select
        *,
        pool_price_usd is not null and not (is_stable and reference_price_usd is not null)
            as is_pool_price
    from joined

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
        pool_price_usd as market_price_usd,
        pool_source as market_source,
        pool_age_s as market_age_s,
        swap_count as market_swap_count,
        volume_usd as market_volume_usd,
        rejected_price_usd,
        rejected_reason,
        oracle_price_usd,
        oracle_age_s,
        is_oracle_stale,
        {{ safe_ratio('pool_price_usd', 'oracle_price_usd') }} - 1 as market_deviation_ratio
    from chosen

)

select * from final

-- One pool price per token and hour: that against stables where one was accepted, else that against anchors.
{{
    config(
        materialized = 'incremental',
        incremental_strategy = replace_strategy(),
        partition_by = day_partition('price_hour', 'timestamp'),
        cluster_by = ['price_hour', 'chain_id', 'token_address'],
        meta = price_meta(17),
        pre_hook = "{{ find_dirty_days() }}",
        post_hook = "{{ record_watermark(ref('int_dimension_changes')) }}",
    )
}}

with

stable_prices as (

    select * from {{ ref('int_market_stable_pool_prices_hourly') }}
    where {{ is_dirty('price_hour', 'price_hour') }}

),

anchor_prices as (

    select * from {{ ref('int_market_anchor_pool_prices_hourly') }}
    where {{ is_dirty('price_hour', 'price_hour') }}

),

unioned as (

    select
        chain_id,
        token_address,
        price_hour,
        hour_seconds,
        swap_count,
        volume_usd,
        price_usd,
        rejected_reason,
        1 as hop
    from stable_prices
    union all
    select
        chain_id,
        token_address,
        price_hour,
        hour_seconds,
        swap_count,
        volume_usd,
        price_usd,
        rejected_reason,
        2 as hop
    from anchor_prices

),

best as (

    select *
    from unioned
    qualify row_number() over (
        partition by chain_id, token_address, price_hour
        order by case when rejected_reason is null then 0 else 1 end, hop
    ) = 1

),

final as (

    select
        chain_id,
        token_address,
        price_hour,
        swap_count,
        volume_usd,
        case when rejected_reason is null then hour_seconds end as accepted_seconds,
        case when rejected_reason is null then price_usd end as price_usd,
        case
            when rejected_reason is not null then null
            when hop = 1 then 'pool_stable'
            else 'pool_anchor'
        end as price_source,
        cast(
            case
                when rejected_reason is not null then null
                when volume_usd >= 10000 then 1.0 - 0.05 * hop
                when volume_usd >= 1000 then 0.9 - 0.1 * hop
                else 0.7 - 0.1 * hop
            end as {{ type_float64() }}
        ) as price_confidence,
        case when rejected_reason is not null then price_usd end as rejected_price_usd,
        rejected_reason
    from best

)

select * from final

-- The last oracle answer at the end of each hour, as long as it is a price: until a day after the feed's heartbeat.
{{
    config(
        materialized = 'incremental',
        incremental_strategy = replace_strategy(),
        partition_by = day_partition('price_hour', 'timestamp'),
        cluster_by = ['price_hour', 'chain_id', 'token_address'],
        meta = price_meta(2, read_back_days=2),
        pre_hook = "{{ find_dirty_days() }}",
        post_hook = "{{ record_watermark(ref('int_dimension_changes')) }}",
    )
}}

with

oracle_prices as (

    select * from {{ ref('int_market_oracle_prices') }}
    where
        {{ is_read_for_dirty('block_date') }}
        and price_usd is not null

),

last_answers as (

    select
        chain_id,
        token_address,
        {{ to_hour('block_timestamp') }} as price_hour,
        {{ unix_seconds('block_timestamp') }} as answer_seconds,
        -- Longer ones are refused in the registry: what prices are carried for has an end.
        least(heartbeat_s, 86400) as heartbeat_s,
        price_usd
    from oracle_prices
    qualify row_number() over (
        partition by chain_id, token_address, {{ to_hour('block_timestamp') }}
        order by block_number desc, log_index desc, feed_address asc
    ) = 1

),

-- Age counts at the end of the hour.
held as (

    select
        *,
        cast(
            {{ from_unix_seconds('answer_seconds + heartbeat_s + 86400 - 3600') }}
            as {{ dbt.type_timestamp() }}
        ) as held_until
    from last_answers

),

{{ carry_forward('held', to_hour('held_until')) }},

aged as (

    select
        chain_id,
        token_address,
        carried_hour as price_hour,
        price_usd,
        heartbeat_s,
        {{ unix_seconds('carried_hour') }} + 3600 - answer_seconds as age_s
    from carried
    where {{ is_dirty('carried_hour', 'carried_hour') }}

),

-- An answer beyond the feed's own promise is stale.
final as (

    select
        chain_id,
        token_address,
        price_hour,
        price_usd,
        age_s,
        age_s > heartbeat_s * 1.1 + 120 as is_stale
    from aged

)

select * from final

{#- Two CTEs, `price_medians` and `guarded`: `buckets` (chain_id, token_address, price_hour, price_usd, …) with
    the lower median of the token's up to 24 preceding buckets of the last seven days. A bucket is rejected when
    it deviates from it by more than a factor of three and at least three buckets precede it. Rejected buckets
    stay in the medians of later ones, so that a true change of level is accepted after a while. -#}
{% macro price_guard(buckets) -%}
numbered as (

    select
        {{ buckets }}.*,
        {{ unix_seconds(buckets ~ '.price_hour') }} as hour_seconds,
        row_number() over (
            partition by {{ buckets }}.chain_id, {{ buckets }}.token_address
            order by {{ buckets }}.price_hour
        ) as bucket_number
    from {{ buckets }}

),

preceding_prices as (

    select
        numbered.chain_id,
        numbered.token_address,
        numbered.price_hour,
        earlier.price_usd,
        row_number() over (
            partition by numbered.chain_id, numbered.token_address, numbered.price_hour
            order by earlier.price_usd, earlier.price_hour
        ) as price_rank,
        count(*) over (
            partition by numbered.chain_id, numbered.token_address, numbered.price_hour
        ) as price_count
    from numbered
    inner join numbered as earlier
        on
            numbered.chain_id = earlier.chain_id
            and numbered.token_address = earlier.token_address
            and earlier.bucket_number between numbered.bucket_number - 24
            and numbered.bucket_number - 1
            and earlier.hour_seconds >= numbered.hour_seconds - 604800

),

price_medians as (

    select
        chain_id,
        token_address,
        price_hour,
        price_usd as median_price_usd
    from preceding_prices
    where price_count >= 3 and price_rank * 2 in (price_count, price_count + 1)

),

guarded as (

    select
        numbered.*,
        price_medians.median_price_usd,
        coalesce(
            abs(ln(numbered.price_usd / price_medians.median_price_usd)) > ln(3), false
        ) as is_rejected
    from numbered
    left outer join price_medians
        on
            numbered.chain_id = price_medians.chain_id
            and numbered.token_address = price_medians.token_address
            and numbered.price_hour = price_medians.price_hour

)
{%- endmacro %}

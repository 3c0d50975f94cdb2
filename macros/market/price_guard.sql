{#- CTEs `quoted`, `totals` and `buckets`: one volume-weighted price per token and hour of `valued` (chain_id,
    token_address, price_hour, swap_count, base_raw, decimals, quote_usd), whatever it was quoted in. Dollars
    are summed as decimals and amounts as integers, so no order of rows changes a price. What has no value in dollars
    does not count: its amount without its value would lower the price. -#}
{% macro pool_buckets(valued) -%}
quoted as (

    select
        *,
        {{ to_usd('quote_usd') | indent(8) }} as value_usd
    from {{ valued }}

),

totals as (

    select
        chain_id,
        token_address,
        price_hour,
        decimals,
        cast(sum(swap_count) as int64) as swap_count,
        sum(base_raw) as base_raw,
        sum(value_usd) as volume_usd
    from quoted
    where value_usd is not null
    group by chain_id, token_address, price_hour, decimals

),

buckets as (

    select
        chain_id,
        token_address,
        price_hour,
        {{ unix_seconds('price_hour') }} as hour_seconds,
        swap_count,
        volume_usd,
        cast(volume_usd as {{ type_float64() }})
        / ({{ to_human('base_raw', 'decimals') }}) as price_usd
    from totals
    where volume_usd > 0 and base_raw > 0

)
{%- endmacro %}

{#- CTEs that end in `guarded`: `buckets` with `rejected_reason`, NULL where the price stands. An incremental model
    reads back seven days of its own: what they exchanged at which price stands.
    - `below_minimum_volume`: the hour exchanged less than 100 dollars.
    - `deviates_from_median`: more than a factor of three from the lower median of the token's up to 24
      preceding buckets of the last seven days, if at least three precede it. Buckets rejected for this stay in
      the medians of later ones, so that a true change of level is accepted after a while. -#}
{% macro price_guard(buckets) -%}
traded as (

    {% if is_incremental() -%}
    select
        chain_id,
        token_address,
        price_hour,
        hour_seconds,
        volume_usd,
        price_usd
    from {{ this }}
    where
        {{ is_read_for_dirty('price_hour') }}
        and not ({{ is_dirty('price_hour', 'price_hour') }})
    union all
    {%- endif %}
    select
        chain_id,
        token_address,
        price_hour,
        hour_seconds,
        volume_usd,
        price_usd
    from {{ buckets }}

),

numbered as (

    select
        *,
        row_number() over (
            partition by chain_id, token_address
            order by price_hour
        ) as bucket_number
    from traded
    where volume_usd >= 100

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
        {{ buckets }}.*,
        price_medians.median_price_usd,
        case
            when {{ buckets }}.volume_usd < 100 then 'below_minimum_volume'
            when abs(ln({{ buckets }}.price_usd / price_medians.median_price_usd)) > ln(3)
                then 'deviates_from_median'
        end as rejected_reason
    from {{ buckets }}
    left outer join price_medians
        on
            {{ buckets }}.chain_id = price_medians.chain_id
            and {{ buckets }}.token_address = price_medians.token_address
            and {{ buckets }}.price_hour = price_medians.price_hour

)
{%- endmacro %}

-- Rows of each mart per chain, and how many of them are priced where they should be, and exact.
{#- mart: rows that should have a price, those that have one, rows whose exact numbers are known. -#}
{%- set none_apply = 'cast(null as int64)' -%}
{%- set every_row = 'count(*)' -%}
{%- set state_known = 'count(case when incomplete_reason is null then 1 end)' -%}
{%- set marts = {
    'tokens': (none_apply, none_apply, 'count(decimals)'),
    'token_prices_hourly': (every_row, 'count(price_usd)', none_apply),
    'dex_pools': (
        none_apply, none_apply, "count(case when protocol != 'unknown' then 1 end)"
    ),
    'dex_trades': (
        'count(case when is_exchange then 1 end)',
        'count(case when is_exchange then amount_usd end)',
        'count(case when not has_overflow then 1 end)',
    ),
    'dex_volume_daily': ('sum(trade_count)', 'sum(priced_trade_count)', none_apply),
    'lending_actions': (
        'count(case when token_address is not null then amount_raw end)',
        'count(case when token_address is not null then amount_usd end)',
        none_apply,
    ),
    'lending_reserves_daily': (every_row, 'count(oracle_price_usd)', state_known),
    'lending_positions': (
        'count(case when is_active then 1 end)',
        'count(case when is_active then coalesce(supply_usd, debt_usd) end)',
        state_known,
    ),
    'lending_account_health': (every_row, 'count(debt_usd)', state_known),
    'lending_liquidations': (
        every_row,
        'count(case when debt_usd is not null then collateral_usd end)',
        'count(health_factor_before_raw)',
    ),
} %}

with

{% for mart, (due, priced, exact) in marts.items() -%}
counted_{{ mart }} as (

    select
        chain_id,
        '{{ mart }}' as mart,
        count(*) as row_count,
        {{ due }} as priceable_count,
        {{ priced }} as priced_count,
        {{ exact }} as exact_count
    from {{ ref(mart) }}
    group by chain_id

),

{% endfor -%}

unioned as (

    {% for mart in marts -%}
    select * from counted_{{ mart }}
    {{ 'union all' if not loop.last }}
    {% endfor -%}

),

final as (

    select
        chain_id,
        mart,
        cast(row_count as int64) as row_count,
        {{ safe_ratio('priced_count', 'priceable_count') }} as priced_share,
        {{ safe_ratio('exact_count', 'row_count') }} as exact_share
    from unioned

)

select * from final

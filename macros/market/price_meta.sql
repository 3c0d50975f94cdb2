{#- `meta` of an incremental model of prices or of what is valued with them: what changes a price, in one place.
    Prices reach forward: an oracle's for two days at most (a heartbeat of a day and a day more), a pool's into the
    medians of seven days and for a day where it is carried, through two hops:
    2 + 7 (hop 1) + 1 (anchors) + 7 (hop 2) + 1 (the mart) = 18 days. -#}
{% macro price_meta(carry_days, read_back_days=0, date='price_hour', time='price_hour') -%}
    {{ return({
        'dirty_families': price_families(),
        'dirty_dimensions': ['dex_pools', 'tokens', 'price_feeds', 'price_heads'],
        'carry_days': carry_days,
        'read_back_days': read_back_days,
        'dirty_grain': 'hour',
        'dirty_date': date,
        'dirty_time': time,
    }) }}
{%- endmacro %}

{#- Families whose logs prices are made of. -#}
{% macro price_families() -%}
    {{ return(['uniswap_v2', 'uniswap_v3', 'chainlink']) }}
{%- endmacro %}

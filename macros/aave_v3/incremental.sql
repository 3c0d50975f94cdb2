{#- What makes state of a lending market, and all that is derived from it, change: late logs change every later day, and
    prices come from the oracles. `dirty_date` is the partition column (macros/ledger/dirty_days.sql). -#}
{% macro aave_onward(dirty_date='closed_date') -%}
    {{ return({
        'dirty_families': ['aave_v3', 'chainlink'],
        'dirty_dimensions': [
            'lending_markets', 'lending_reserves', 'lending_heads', 'lending_pinned_blocks',
            'lending_price_coverage', 'price_feeds',
        ],
        'rebuilds': 'onward',
        'dirty_date': dirty_date,
    }) }}
{%- endmacro %}

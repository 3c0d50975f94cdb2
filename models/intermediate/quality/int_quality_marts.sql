-- The marts that trust is told of, and the families whose logs they are made of. A family without marts stands by
-- its staging source.
{%- set families = {
    'tokens': ['uniswap_v2', 'uniswap_v3', 'aave_v3'],
    'token_prices_hourly': ['uniswap_v2', 'uniswap_v3', 'chainlink'],
    'dex_pools': ['uniswap_v2', 'uniswap_v3'],
    'dex_trades': ['uniswap_v2', 'uniswap_v3'],
    'dex_volume_daily': ['uniswap_v2', 'uniswap_v3'],
    'lending_actions': ['aave_v3'],
    'lending_reserves_daily': ['aave_v3', 'chainlink'],
    'lending_positions': ['aave_v3', 'chainlink'],
    'lending_account_health': ['aave_v3', 'chainlink'],
    'lending_liquidations': ['aave_v3', 'chainlink'],
    'stg_uniswap_v4': ['uniswap_v4'],
    'stg_balancer_v2': ['balancer_v2'],
    'stg_morpho_blue': ['morpho_blue'],
    'stg_erc20': ['erc20'],
} %}

with

families as (

    {% for mart, names in families.items() -%}
    {% set is_last_mart = loop.last -%}
    {% for family in names -%}
    select
        '{{ mart }}' as mart,
        '{{ family }}' as family
    {{ 'union all' if not (loop.last and is_last_mart) }}
    {% endfor -%}
    {% endfor %}

)

select * from families

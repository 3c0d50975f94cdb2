{#- Price of token0 in token1, human units, float64, of the reserves of a constant-product pair. NULL without
    both decimals or with an empty reserve. -#}
{% macro uniswap_v2_price(reserve0, reserve1, decimals0, decimals1) -%}
    {{ safe_ratio(reserve1, reserve0) }}
    * power(cast(10 as {{ type_float64() }}), {{ decimals0 }} - {{ decimals1 }})
{%- endmacro %}

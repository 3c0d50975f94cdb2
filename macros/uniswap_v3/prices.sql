{#- Price of token0 in token1, human units, float64, of a square-root price in Q64.96 held as decimal text.
    NULL without both decimals. -#}
{% macro uniswap_v3_price(sqrt_price_x96, decimals0, decimals1) -%}
    power(cast({{ sqrt_price_x96 }} as {{ type_float64() }}) / 79228162514264337593543950336.0, 2)
    * power(cast(10 as {{ type_float64() }}), {{ decimals0 }} - {{ decimals1 }})
{%- endmacro %}

{#- True when a swap sells token0 to the pool, given the pool's net change of both tokens (positive when it
    received). The bought token is the one whose net is negative. When nothing was bought (a loan repaid with its
    fee in the same token) the token that paid the fee counts as sold, token0 when both did. An amount beyond the
    exact range is NULL: the other side decides. -#}
{% macro sells_token0(amount0, amount1) -%}
    case
        when {{ amount0 }} < 0 then false
        when {{ amount1 }} < 0 then true
        when {{ amount0 }} is null then {{ amount1 }} is null
        when {{ amount1 }} is null then true
        else {{ amount0 }} > 0 or {{ amount1 }} = 0
    end
{%- endmacro %}

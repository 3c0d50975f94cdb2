{#- A float amount in US dollars, rounded once to NUMERIC(38, 9) so that sums of it are exact. NULL beyond
    1e15: no trade is worth that, and a manipulated price must not overflow a sum. Pass a column. -#}
{% macro to_usd(amount) -%}
    case
        when abs({{ amount }}) <= 1000000000000000.0
            then {{ float_to_decimal(amount) | indent(16) }}
    end
{%- endmacro %}

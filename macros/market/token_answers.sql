{#- Rank of a day among all on which a token was asked: those on which the first condition holds come first, then those on
    which the next does, of these the newest. -#}
{% macro newest_day_first() -%}
    row_number() over (
        partition by chain_id, contract_address
        order by
            case
                {% for condition in varargs -%}
                when {{ condition }} then {{ loop.index0 }}
                {% endfor -%}
                else {{ varargs | length }}
            end asc,
            block_date desc
    )
{%- endmacro %}

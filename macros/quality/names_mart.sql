{#- True where a seed's list of marts, separated by spaces, has the mart, or a model of the staging source that stands
    for a mart (`stg_erc20__token_transfer` of `stg_erc20`). -#}
{% macro names_mart(marts, mart) -%}
    (
        strpos(concat(' ', {{ marts }}, ' '), concat(' ', {{ mart }}, ' ')) > 0
        or strpos(concat(' ', {{ marts }}), concat(' ', {{ mart }}, '__')) > 0
    )
{%- endmacro %}

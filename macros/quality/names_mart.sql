{#- True where a seed's list of marts, separated by spaces, has the mart. -#}
{% macro names_mart(marts, mart) -%}
    strpos(concat(' ', {{ marts }}, ' '), concat(' ', {{ mart }}, ' ')) > 0
{%- endmacro %}

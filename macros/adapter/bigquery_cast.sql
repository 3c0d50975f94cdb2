{#- dbt builds its contract check with cast(null as <type>); BigQuery takes NUMERIC(38, 9) in a column
    definition but not in a cast. -#}
{% macro bigquery__cast(field, type) -%}
    cast({{ field }} as {{ type.split('(')[0] if '<' not in type else type }})
{%- endmacro %}

{#- Partition by day on BigQuery; DuckDB has no use for it. -#}
{% macro day_partition(column, data_type='date') -%}
    {%- if target.type == 'bigquery' -%}
        {{ return({'field': column, 'data_type': data_type, 'granularity': 'day'}) }}
    {%- endif -%}
    {{ return(none) }}
{%- endmacro %}

{#- Partition by day on BigQuery; DuckDB has no use for it. -#}
{% macro day_partition(column, data_type='date') -%}
    {%- if target.type == 'bigquery' -%}
        {{ return({'field': column, 'data_type': data_type, 'granularity': 'day'}) }}
    {%- endif -%}
    {{ return(none) }}
{%- endmacro %}

{#- Partition by month: of a table that every build writes anew. A day's partitions of years would be more partitions written
    per day than BigQuery lets jobs write to one table. -#}
{% macro month_partition(column) -%}
    {%- if target.type == 'bigquery' -%}
        {{ return({'field': column, 'data_type': 'date', 'granularity': 'month'}) }}
    {%- endif -%}
    {{ return(none) }}
{%- endmacro %}

{#- Schemas keep their bare names on DuckDB and in production; every other target prefixes them. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- if custom_schema_name is none -%}
        {{ target.schema }}
    {%- elif target.type == 'duckdb' or is_production() -%}
        {{ custom_schema_name | trim }}
    {%- else -%}
        {{ target.schema }}_{{ custom_schema_name | trim }}
    {%- endif -%}
{%- endmacro %}

{#- BigQuery's production, or what stands for it offline. -#}
{% macro is_production() -%}
    {{ return(target.name in ('bigquery', 'bigquery_offline')) }}
{%- endmacro %}

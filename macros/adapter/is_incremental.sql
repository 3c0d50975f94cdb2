{#- dbt's own macro asks the warehouse. The offline BigQuery check compiles both branches without one:
    `--vars '{offline_incremental: true}'`. -#}
{% macro is_incremental() -%}
    {%- if var('offline_incremental', none) is not none -%}
        {{ return(var('offline_incremental') and model.config.materialized == 'incremental') }}
    {%- endif -%}
    {{ return(dbt.is_incremental()) }}
{%- endmacro %}

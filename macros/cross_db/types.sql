{#- Exact integers: every |x| <= 1.7e38, the range both engines share. -#}
{% macro type_exact_int() -%}
    {{ return(adapter.dispatch('type_exact_int', 'poolhouse')()) }}
{%- endmacro %}

{% macro default__type_exact_int() -%} hugeint {%- endmacro %}

{% macro bigquery__type_exact_int() -%} bignumeric {%- endmacro %}

{#- Ratios, prices, human amounts. dbt.type_float() is 32 bits wide on DuckDB. -#}
{% macro type_float64() -%}
    {{ return(adapter.dispatch('type_float64', 'poolhouse')()) }}
{%- endmacro %}

{% macro default__type_float64() -%} double {%- endmacro %}

{% macro bigquery__type_float64() -%} float64 {%- endmacro %}

{#- US dollars: NUMERIC(38, 9) in a cast. -#}
{% macro type_decimal() -%}
    {{ return(adapter.dispatch('type_decimal', 'poolhouse')()) }}
{%- endmacro %}

{% macro default__type_decimal() -%} decimal(38, 9) {%- endmacro %}

{% macro bigquery__type_decimal() -%} numeric {%- endmacro %}

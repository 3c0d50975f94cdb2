{#- dbt says bigint, an alias; every type is called by its own name here. -#}
{% macro bigquery__type_bigint() -%} int64 {%- endmacro %}

{#- One entry of registry_events() per raw table: a table shared by several events names them in its rows. -#}
{% macro registry_tables() -%}
    {%- set tables = [] -%}
    {%- for event in registry_events() -%}
        {%- if event.table not in (tables | map(attribute='table')) -%}
            {%- do tables.append(event) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(tables) }}
{%- endmacro %}

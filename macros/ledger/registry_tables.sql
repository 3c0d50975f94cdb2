{#- One entry of registry_events() per raw table: a table shared by several events names them in its rows.
    Tables of a family that no model reads are there once it is loaded; until then they are passed over. -#}
{% macro registry_tables() -%}
    {%- set tables = [] -%}
    {%- for event in registry_events() -%}
        {%- if
            event.table not in (tables | map(attribute='table'))
            and (event.is_modelled or not execute or is_loaded_table(event.table))
        -%}
            {%- do tables.append(event) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(tables) }}
{%- endmacro %}

{% macro is_loaded_table(table) -%}
    {{
        return(
            adapter.get_relation(target.database, var('raw_schema', 'raw'), table) is not none
        )
    }}
{%- endmacro %}

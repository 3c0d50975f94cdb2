{#- One entry of registry_events() per raw table: a table shared by several events names them in its rows.
    Tables of a family that no model reads are there once it is loaded; POOLHOUSE_RAW_FAMILIES, which `poolhouse build`
    sets from the ledger, names those families, separated by commas. -#}
{% macro registry_tables() -%}
    {%- set loaded = env_var('POOLHOUSE_RAW_FAMILIES', '').split(',') -%}
    {%- set tables = [] -%}
    {%- for event in registry_events() if event.is_modelled or event.family in loaded -%}
        {%- if event.table not in (tables | map(attribute='table')) -%}
            {%- do tables.append(event) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(tables) }}
{%- endmacro %}

{#- Families of which a load reads the transactions as well, all but that of transfers. -#}
{% macro transaction_families() -%}
    {{ return(registry_events() | rejectattr('family', 'equalto', 'erc20') | map(attribute='family') | unique | list) }}
{%- endmacro %}

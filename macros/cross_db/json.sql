{#- Element `index` (0-based) of a JSON array held as text, as text. -#}
{% macro json_array_item(json_text, index) -%}
    {{ return(adapter.dispatch('json_array_item', 'poolhouse')(json_text, index)) }}
{%- endmacro %}

{% macro default__json_array_item(json_text, index) -%}
    json_extract_string({{ json_text }}, '$[{{ index }}]')
{%- endmacro %}

{% macro bigquery__json_array_item(json_text, index) -%}
    json_value({{ json_text }}, '$[{{ index }}]')
{%- endmacro %}

{#- Field of a JSON object held as text, as text. -#}
{% macro json_field(json_text, name) -%}
    {{ return(adapter.dispatch('json_field', 'poolhouse')(json_text, name)) }}
{%- endmacro %}

{% macro default__json_field(json_text, name) -%}
    json_extract_string({{ json_text }}, '$.{{ name }}')
{%- endmacro %}

{% macro bigquery__json_field(json_text, name) -%}
    json_value({{ json_text }}, '$.{{ name }}')
{%- endmacro %}

{#- Like `json_array_item`, of an index (0-based) that is a column. -#}
{% macro json_array_at(json_text, index) -%}
    {{ return(adapter.dispatch('json_array_at', 'poolhouse')(json_text, index)) }}
{%- endmacro %}

{% macro default__json_array_at(json_text, index) -%}
    json_extract_string({{ json_text }}, '$[*]')[{{ index }} + 1]
{%- endmacro %}

{% macro bigquery__json_array_at(json_text, index) -%}
    json_value_array({{ json_text }})[safe_offset({{ index }})]
{%- endmacro %}

{#- `from` item that yields one row per element of a JSON array held as text: `items.item`, as text, and
    `items.item_index`, 0-based. Follows a comma-less `cross join`; the array may be a column of the table to its
    left. -#}
{% macro unnest_json_array(json_text) -%}
    {{ return(adapter.dispatch('unnest_json_array', 'poolhouse')(json_text)) }}
{%- endmacro %}

{% macro default__unnest_json_array(json_text) -%}
    lateral (
        select
            unnest(json_extract_string({{ json_text }}, '$[*]')) as item,
            generate_subscripts(json_extract_string({{ json_text }}, '$[*]'), 1) - 1 as item_index
    ) as items
{%- endmacro %}

{% macro bigquery__unnest_json_array(json_text) -%}
    unnest(
        array(
            select as struct item, item_index
            from unnest(json_value_array({{ json_text }})) as item with offset as item_index
        )
    ) as items
{%- endmacro %}

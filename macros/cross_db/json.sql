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

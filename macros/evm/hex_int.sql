{#- Integer of up to 15 hex digits, without 0x. -#}
{% macro hex_to_int(digits) -%}
    cast(concat('0x', {{ digits }}) as int64)
{%- endmacro %}

{#- Where tokens come from when they are minted and go when they are burned. -#}
{% macro zero_address() -%} '0x0000000000000000000000000000000000000000' {%- endmacro %}

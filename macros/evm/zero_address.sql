{#- Nobody's address: where tokens come from when they are minted and go when they are burned, and what contracts answer
    for none. -#}
{% macro zero_address() -%} '0x0000000000000000000000000000000000000000' {%- endmacro %}

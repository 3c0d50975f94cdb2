{#- What every staged log has in common, in the order of the marts. -#}
{% macro log_columns(relation) -%}
    {{ relation }}.chain_id,
    {{ relation }}.block_number,
    cast({{ relation }}.block_timestamp as {{ dbt.type_timestamp() }}) as block_timestamp,
    {{ to_date(relation ~ '.block_timestamp') }} as block_date,
    {{ relation }}.tx_hash,
    {{ relation }}.tx_index,
    {{ relation }}.log_index
{%- endmacro %}

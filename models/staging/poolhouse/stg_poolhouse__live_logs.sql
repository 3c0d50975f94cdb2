{%- set tables = registry_tables() %}

with

{% for event in tables -%}
live_{{ event.table }} as (

    {% if event.is_shared -%}
    {{ live_rows(event.family, event.table, none, none) | indent(4) }}
    {%- else -%}
    {{ live_rows(event.family, event.table, event.role, event.event) | indent(4) }}
    {%- endif %}

),

{% endfor -%}

unioned as (

    {% for event in tables -%}
    select
        chain_id,
        block_number,
        log_index,
        tx_index,
        block_hash,
        tx_hash,
        contract_address,
        '{{ event.table }}' as table_name
    from live_{{ event.table }}
    {{ 'union all' if not loop.last }}
    {% endfor -%}

)

select * from unioned

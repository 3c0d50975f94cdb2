{%- set tables = registry_tables() %}

with

unioned as (

    {% for event in tables -%}
    select
        chain_id,
        '{{ event.table }}' as table_name,
        {% if event.is_shared -%}
        event_role as role,
        event_name as event,
        {%- else -%}
        '{{ event.role }}' as role,
        '{{ event.event }}' as event,
        {%- endif %}
        contract_address,
        block_number,
        _dlt_load_id as load_id
    from {{ source(event.family, event.table) }}
    {{ 'union all' if not loop.last }}
    {% endfor -%}

),

counted as (

    select
        chain_id,
        table_name,
        role,
        event,
        contract_address,
        block_number,
        load_id,
        count(*) as log_count
    from unioned
    group by chain_id, table_name, role, event, contract_address, block_number, load_id

)

select * from counted

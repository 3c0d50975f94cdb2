-- I10: each integer that is kept as text is there, in the one decimal form it has, and comes back from the exact type
-- as it went in.
{%- set tables = registry_tables() | selectattr('integers') | list %}

with

{% for event in tables -%}
live_{{ event.table }} as (

    {{ live_rows(event.family, event.table, event.role, event.event) | indent(4) }}

),

{% endfor -%}

checked as (

    {% for event in tables -%}
    select
        logs.chain_id,
        '{{ event.table }}' as entity,
        logs.block_number,
        logs.log_index,
        'canonical decimals' as expected_value,
        {% set values = [] -%}
        {%- for column in event.integers -%}
        {%- do values.append("coalesce(logs." ~ column ~ ", 'none')") -%}
        {%- do values.append("' '") -%}
        {%- endfor -%}
        {{ dbt.concat(values) }} as actual_value,
        {{ has_corrupt_integer('logs', event.integers) | indent(8) }} as is_failed
    from live_{{ event.table }} as logs
    {{ 'union all' if not loop.last }}
    {% endfor -%}

),

subjects as (

    select
        chain_id,
        entity,
        true as is_determined,
        max(block_number) as as_of_block
    from checked
    group by chain_id, entity

),

{{ check_rows('I10', '*') }}

select * from final

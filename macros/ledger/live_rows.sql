{#- Rows of a raw event table that count: those whose load owns a live segment of their event's filter.
    Segments are disjoint, so a row is found at most once. `events` are (role, event) pairs kept in `table`;
    a table shared by several events tells them apart by event_role and event_name. -#}
{% macro live_rows(family, table, role, event) -%}
    select raw_logs.*
    from {{ source(family, table) }} as raw_logs
    inner join {{ ref('int_ledger_live_segments') }} as live_segments
        on
            raw_logs._dlt_load_id = live_segments.load_id
            and raw_logs.chain_id = live_segments.chain_id
            and raw_logs.block_number between live_segments.from_block and live_segments.to_block
    inner join {{ ref('int_ledger_filter_sets') }} as filters
        on
            live_segments.filter_set = filters.filter_set
            and filters.contract_address in ('*', raw_logs.contract_address)
            and filters.family = '{{ family }}'
            {% if role is none -%}
            and filters.role = raw_logs.event_role
            and filters.event = raw_logs.event_name
            {%- else -%}
            and filters.role = '{{ role }}'
            and filters.event = '{{ event }}'
            {%- endif %}
{%- endmacro %}

{#- Newest row per key among complete loads, for facts that are not tied to a range. -#}
{% macro newest_rows(table, keys) -%}
    select facts.*
    from {{ source('poolhouse', table) }} as facts
    inner join {{ source('poolhouse', '_dlt_loads') }} as loads
        on facts._dlt_load_id = loads.load_id and loads.status = 0
    qualify row_number() over (
        partition by {{ keys | join(', ') }} order by facts._dlt_load_id desc
    ) = 1
{%- endmacro %}

{#- Last pool revision whose arithmetic these models follow: 3.3. Revision 8 (3.4) compounds interest otherwise
    and 9 (3.5) rounds otherwise. -#}
{% macro aave_last_supported_revision() -%} 7 {%- endmacro %}

{#- Join condition: the row of `relation` holds at the end of the block of the point. -#}
{% macro holds_at(relation, point) -%}
    {{ point }}.as_of_block >= {{ relation }}.block_number
    and {{ point }}.as_of_block < {{ relation }}.until_block
{%- endmacro %}

{#- Order of a log in its chain as one int64; a block holds fewer than a million logs. -#}
{% macro log_position(block_number, log_index) -%}
    ({{ block_number }} * 1000000 + {{ log_index }})
{%- endmacro %}

{#- Join condition: both relations speak of the same market at the same point, and of the same `keys`. -#}
{% macro same_point(left_relation, right_relation, keys=[]) -%}
    {% for column in ['chain_id', 'market_address', 'as_of_block', 'as_of_timestamp'] + keys -%}
    {{ left_relation }}.{{ column }} = {{ right_relation }}.{{ column }}{{ ' and ' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{#- Rows of a model of changes with the log positions between which each holds: later than its own log, up to and
    with the log that changes it again. Of state that is kept until `closed_date`, only rows that hold from the first dirty day
    on: a key's last ones. -#}
{% macro rows_by_position(model, keys, is_closed=true) -%}
    select
        changes.*,
        {{ log_position('changes.block_number', 'changes.log_index') }} as from_position,
        coalesce(
            lead({{ log_position('changes.block_number', 'changes.log_index') }}) over (
                partition by {% for key in keys %}changes.{{ key }}{{ ', ' if not loop.last }}{% endfor %}
                order by changes.block_number, changes.log_index
            ),
            9223372036854775807
        ) as until_position
    from {{ ref(model) }} as changes
    {%- if is_closed %}
    where {{ is_dirty_onward('changes.closed_date') }}
    {%- endif %}
{%- endmacro %}

{#- Join condition: the row of `relation` holds just before the log at `position`. -#}
{% macro holds_before(relation, position) -%}
    {{ position }} > {{ relation }}.from_position
    and {{ position }} <= {{ relation }}.until_position
{%- endmacro %}

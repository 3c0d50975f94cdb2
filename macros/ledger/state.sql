{#- State: rows of changes that hold until the next change of the same keys. Models of it rebuild onward
    (dirty_days.sql) and read the change they go on from in themselves. -#}

{#- First block at which a row no longer holds: that of the next row of the same keys. A row superseded within
    its own block holds for no block at all. The last row holds for ever. -#}
{% macro until_block(relation, keys, order=['block_number', 'log_index']) -%}
    coalesce({{ next_of(relation, 'block_number', keys, order) }}, 9223372036854775807)
{%- endmacro %}

{#- UTC day on which a row ceased to hold. -#}
{% macro closed_date(relation, keys, order=['block_number', 'log_index']) -%}
    coalesce({{ next_of(relation, 'block_date', keys, order) }}, {{ open_date() }})
{%- endmacro %}

{% macro next_of(relation, column, keys, order) -%}
    lead({{ relation }}.{{ column }}) over (
        partition by
            {% for key in keys -%}
            {{ relation }}.{{ key }}{{ ',' if not loop.last }}
            {% endfor -%}
        order by
            {% for column in order -%}
            {{ relation }}.{{ column }}{{ ',' if not loop.last }}
            {% endfor %}
    )
{%- endmacro %}

{#- In an incremental build, to be united with the changes from the first dirty day on: the rows of this model that
    hold when that day starts. -#}
{% macro union_carried(columns) -%}
    {%- if is_incremental() -%}
    union all
    select {{ columns | join(', ') }}
    from {{ this }}
    where {{ is_carried_into_dirty('block_date') }}
    {%- endif -%}
{%- endmacro %}

{#- The CTE `found`: of what `facts` name from the first dirty day on, by `keys`, what this model does not know from before;
    all of it in a full build. For models of when something was first seen: `dirty_date` is `first_date`. -#}
{% macro found_first(facts, keys) -%}
{% if is_incremental() -%}
earlier as (

    select {{ keys | join(', ') }}
    from {{ this }}
    where first_date < {{ dirty_variable('first_dirty_day') }}

),

found as (

    select {{ facts }}.*
    from {{ facts }}
    left outer join earlier
        on
            {% for key in keys -%}
            {{ 'and ' if not loop.first }}{{ facts }}.{{ key }} = earlier.{{ key }}
            {% endfor %}
    where earlier.{{ keys[0] }} is null

)
{%- else -%}
found as (

    select * from {{ facts }}

)
{%- endif -%}
{%- endmacro %}

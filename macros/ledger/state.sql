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

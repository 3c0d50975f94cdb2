{#- Foreign key of several columns: rows of the model without a match in `to`. Two keys into the same table are a list of
    lists: one test, which reads that table once. `to_day`, where what is referred to is of the same day or a later one: the
    date that partitions `to`, so that a test of changed days reads none before them. -#}
{% test references(model, columns, to, to_columns, to_day=none) %}

with

source_rows as (

    {% for key in (columns if columns[0] is not string else [columns]) -%}
    select
        {% for column in key -%}
        {{ column }} as {{ to_columns[loop.index0] }}{{ ',' if not loop.last }}
        {% endfor -%}
    from {{ model }}
    {{ 'union all' if not loop.last }}
    {% endfor -%}

),

target_rows as (

    select * from {{ to }}
    {{ 'where ' ~ to_day ~ ' >= ' ~ first_untested_day() if to_day and tests_changed_days() }}

)

select source_rows.*
from source_rows
left outer join target_rows
    on
        {% for column in to_columns -%}
            {{ 'and ' if not loop.first }}source_rows.{{ column }} = target_rows.{{ column }}
        {% endfor %}
where
    target_rows.{{ to_columns[0] }} is null
    and {% for column in to_columns %}{{ 'and ' if not loop.first }}source_rows.{{ column }} is not null {% endfor %}

{% endtest %}

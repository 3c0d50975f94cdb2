{#- Foreign key of several columns: rows of the model without a match in `to`. -#}
{% test references(model, columns, to, to_columns) %}

with

source_rows as (

    select * from {{ model }}

)

select source_rows.*
from source_rows
left outer join {{ to }} as target_rows
    on
        {% for column in columns -%}
            {{ 'and ' if not loop.first }}source_rows.{{ column }} = target_rows.{{ to_columns[loop.index0] }}
        {% endfor %}
where
    target_rows.{{ to_columns[0] }} is null
    and {% for column in columns %}{{ 'and ' if not loop.first }}source_rows.{{ column }} is not null {% endfor %}

{% endtest %}

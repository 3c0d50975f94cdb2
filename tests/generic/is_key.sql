{#- The grain: no row lacks a key column, no two rows share them all. One query instead of one per column,
    which on BigQuery is one bill instead of several. -#}
{% test is_key(model, columns) %}

select
    {{ columns | join(',\n    ') }},
    count(*) as row_count
from {{ model }}
group by {{ columns | join(', ') }}
having
    count(*) > 1
    {% for column in columns -%}
    or {{ column }} is null
    {% endfor %}

{% endtest %}

{#- Rows that lack any of `columns`. In marts a not_null constraint of the contract says it for nothing. -#}
{% test no_nulls(model, columns) %}

select *
from {{ model }}
where
    {% for column in columns -%}
    {{ 'or ' if not loop.first }}{{ column }} is null
    {% endfor %}

{% endtest %}

{#- What is written behind every statement and becomes the labels of its BigQuery job: values there are lower case, of 63
    characters at most, which the adapter sees to. -#}
{% macro query_comment(node) -%}
    {%- set comment = {'app': 'poolhouse', 'target': target.name, 'invocation_id': invocation_id} -%}
    {%- if node -%}
        {%- do comment.update({'resource': node.resource_type | string, 'node': node.name}) -%}
    {%- endif -%}
    {{ return(tojson(comment)) }}
{%- endmacro %}

{#- True where the text matches the regular expression; a pattern without backslashes reads the same on both engines. -#}
{% macro matches_pattern(text, pattern) -%}
    {{ return(adapter.dispatch('matches_pattern', 'poolhouse')(text, pattern)) }}
{%- endmacro %}

{% macro default__matches_pattern(text, pattern) -%}
    regexp_matches({{ text }}, '{{ pattern }}')
{%- endmacro %}

{% macro bigquery__matches_pattern(text, pattern) -%}
    regexp_contains({{ text }}, '{{ pattern }}')
{%- endmacro %}

{#- Fingerprint of a row's columns: two rows have the same where none differs. Free text comes last.
    `||` and not concat(), for which NULL is the empty text on DuckDB. -#}
{% macro row_digest(columns) -%}
    {%- set parts = [] -%}
    {%- for column in columns -%}
        {%- do parts.append("coalesce('=' || cast(" ~ column ~ " as " ~ dbt.type_string() ~ "), '')") -%}
        {%- do parts.append("'|'") if not loop.last -%}
    {%- endfor -%}
    {{ dbt.hash('concat(' ~ parts | join(', ') ~ ')') }}
{%- endmacro %}

{#- A table over all history that is rebuilt when an audit is asked for and stands otherwise: checks that sum up or compare
    everything ever loaded, and what only they read. Every build audits unless told `--vars '{audit: false}'`, but for
    BigQuery's production: scans of history are billed there, and none does unless told `--vars '{audit: true}'`. What is
    not there yet is built in any case. -#}
{% macro is_audit() -%}
    {%- set asked = var('audit', none) -%}
    {{ return(adapter.dispatch('audits_by_default', 'poolhouse')() if asked is none else asked) }}
{%- endmacro %}

{% macro default__audits_by_default() -%} {{ return(true) }} {%- endmacro %}

{#- Development and CI build what was asked for, and test it. -#}
{% macro bigquery__audits_by_default() -%} {{ return(not is_production()) }} {%- endmacro %}

{% macro stands_until_audit() -%}
    {{ return(not is_audit() and not should_full_refresh() and load_cached_relation(this) is not none) }}
{%- endmacro %}

{% macro leave_as_it_stands() -%}
    {%- call noop_statement('main', 'KEPT') -%}{%- endcall -%}
    {{ return({'relations': [this.incorporate(type='table')]}) }}
{%- endmacro %}

{% materialization audit, adapter='duckdb' %}
    {%- if stands_until_audit() -%}
        {{ return(leave_as_it_stands()) }}
    {%- endif -%}
    {{ return(materialization_table_duckdb()) }}
{% endmaterialization %}

{% materialization audit, adapter='bigquery' %}
    {%- if stands_until_audit() -%}
        {{ return(leave_as_it_stands()) }}
    {%- endif -%}
    {{ return(materialization_table_bigquery()) }}
{% endmaterialization %}

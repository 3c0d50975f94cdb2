{#- Rebuild exactly the days that changed, with plain `dbt build` (docs/decisions/0003-incremental.md).

    An incremental model of logs
      - names the families whose ledger it follows:    meta = {'dirty_families': ['uniswap_v2']}
      - reads only the dirty days:                     {% raw %}where {{ is_dirty_day('block_timestamp') }}{% endraw %}
      - deletes them before it inserts (pre_hook):     {% raw %}"{{ delete_dirty_days() }}"{% endraw %}
      - remembers what it has seen (post_hook):        {% raw %}"{{ record_watermark() }}"{% endraw %}
    A day that became empty is emptied; a build that failed leaves the watermark, so its days stay dirty.

    On DuckDB the pre-hook declares the days and deletes them in the transaction that inserts. On BigQuery one script
    declares them and replaces them in a single MERGE (bigquery__get_merge_sql below). dbt renders SQL headers while it
    parses, when it does not know yet whether a build is incremental: they cannot carry the declaration. -#}

{#- One row per incremental model: the last ledger build it has incorporated. -#}
{% macro model_watermarks() -%}
    {{ return(api.Relation.create(
        database=target.database,
        schema=generate_schema_name('intermediate', none) | trim,
        identifier='model_watermarks'
    )) }}
{%- endmacro %}

{% macro create_watermarks() -%}
    {%- set relation = model_watermarks() -%}
    create schema if not exists {{ relation.without_identifier() }};
    create table if not exists {{ relation }} (model_name string, build_number int64)
{%- endmacro %}

{% macro record_watermark() -%}
    delete from {{ model_watermarks() }} where model_name = '{{ this.name }}';
    insert into {{ model_watermarks() }} (model_name, build_number)
    select '{{ this.name }}', coalesce(max(changes.build_number), 0)
    from {{ ref('int_ledger_changes') }} as changes
{%- endmacro %}

{#- Days of ledger segments that became live, or ceased to be, since this model was last built. A watermark
    above the ledger's own number means that the ledger was rebuilt from nothing: then every day is dirty. -#}
{% macro select_dirty_days() -%}
    select distinct days.date_day
    from {{ ref('int_ledger_changes') }} as changes
    cross join {{ unnest_days('changes.first_date', 'changes.last_date') }}
    where
        changes.family in ('{{ config.meta_get('dirty_families') | join("', '") }}')
        and changes.build_number > coalesce(
            (
                select max(watermarks.build_number)
                from {{ model_watermarks() }} as watermarks
                where
                    watermarks.model_name = '{{ this.name }}'
                    and watermarks.build_number
                    <= (select max(newest.build_number) from {{ ref('int_ledger_changes') }} as newest)
            ),
            0
        )
{%- endmacro %}

{#- Statement that holds the dirty days in a variable: BigQuery prunes partitions by variables and literals, not by
    subqueries. -#}
{% macro declare_dirty_days() -%}
    {{ return(adapter.dispatch('declare_dirty_days', 'poolhouse')()) }}
{%- endmacro %}

{% macro default__declare_dirty_days() -%}
    set variable dirty_days = (
        select coalesce(list(dirty.date_day), []) from ({{ select_dirty_days() }}) as dirty
    );
{%- endmacro %}

{% macro bigquery__declare_dirty_days() -%}
    declare dirty_days array<date> default (
        select coalesce(array_agg(dirty.date_day), []) from ({{ select_dirty_days() }}) as dirty
    );
{%- endmacro %}

{#- True on the days to build: all of them on a full build. -#}
{% macro is_dirty_day(timestamp) -%}
    {%- if is_incremental() -%}
        {{ adapter.dispatch('is_dirty_day', 'poolhouse')(timestamp) }}
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{% macro default__is_dirty_day(timestamp) -%}
    list_contains(getvariable('dirty_days'), {{ to_date(timestamp) }})
{%- endmacro %}

{% macro bigquery__is_dirty_day(timestamp) -%}
    {{ to_date(timestamp) }} in unnest(dirty_days)
{%- endmacro %}

{% macro delete_dirty_days() -%}
    {%- if is_incremental() -%}
        {{ return(adapter.dispatch('delete_dirty_days', 'poolhouse')()) }}
    {%- endif -%}
{%- endmacro %}

{% macro default__delete_dirty_days() -%}
    {{ declare_dirty_days() }}
    delete from {{ this }}
    where list_contains(getvariable('dirty_days'), block_date)
{%- endmacro %}

{#- The MERGE deletes them. -#}
{% macro bigquery__delete_dirty_days() -%}{%- endmacro %}

{#- Insert without looking for matches: what must go was deleted before. -#}
{% macro append_strategy() -%}
    {{ return('merge' if target.type == 'bigquery' else 'append') }}
{%- endmacro %}

{#- What dbt runs for an incremental build: for a model with dirty families the days are declared and replaced in one
    atomic statement, for any other model dbt's own MERGE. -#}
{% macro bigquery__get_merge_sql(target, source, unique_key, dest_columns, incremental_predicates=none) -%}
    {%- if config.meta_get('dirty_families') -%}
        {{ declare_dirty_days() }}
        {{ get_insert_overwrite_merge_sql(
            target, source, dest_columns, ['DBT_INTERNAL_DEST.block_date in unnest(dirty_days)'], false
        ) }}
    {%- else -%}
        {{ default__get_merge_sql(target, source, unique_key, dest_columns, incremental_predicates) }}
    {%- endif -%}
{%- endmacro %}

{#- What is new of `raw.load_ranges`: hundreds of rows of each load, of which models of the ledger read only what they have not
    read before. The table is partitioned by `loaded_at`, so how far back that lies is in a variable, as in dirty_days.sql:
      reads_new_loads      (`meta`) ranges of the loads that came after the model's watermark (`int_ledger_loads`)
      reads_unknown_sets   (`meta`) of the sets of filters that the model does not have, an example each -#}
{% macro find_new_loads() -%}
    {%- if is_incremental() -%}
        {{ return(adapter.dispatch('find_new_loads', 'poolhouse')()) }}
    {%- endif -%}
{%- endmacro %}

{% macro default__find_new_loads() -%}
    set variable new_loads = (
        select {
            'ids': coalesce(list(loads.load_id), []),
            'since': {{ earliest_range('loads.load_id') }}
        }
        {{ from_new_loads() | indent(8) }}
    )
{%- endmacro %}

{#- There bigquery__get_merge_sql declares in the script that adds the rows. -#}
{% macro bigquery__find_new_loads() -%}{%- endmacro %}

{% macro declare_new_loads() -%}
    declare new_loads struct<ids array<string>, since timestamp> default (
        select as struct
            coalesce(array_agg(loads.load_id), []) as ids,
            {{ earliest_range('loads.load_id') }} as since
        {{ from_new_loads() | indent(8) }}
    );
    declare new_load_ids array<string> default new_loads.ids;
    declare loaded_since timestamp default new_loads.since;
{%- endmacro %}

{% macro from_new_loads() -%}
    from {{ ref('int_ledger_loads') }} as loads
    where loads.build_number > {{ seen_build('build_number', ref('int_ledger_loads')) }}
{%- endmacro %}

{#- No range of these loads was written before. The id of a load is the time at which it began, in seconds since 1970; it
    writes its ranges after that. The day is for a clock that was set back, and for one that is not the loader's. Of an id
    that is no time nothing is known. -#}
{% macro earliest_range(load_id) -%}
    {%- set began -%}
        min(
            case
                when {{ matches_pattern(load_id, '^[0-9]{10}[.][0-9]+$') }}
                    then {{ dbt.safe_cast('substr(' ~ load_id ~ ', 1, 10)', 'int64') }} - 86400
                else 0
            end
        )
    {%- endset -%}
    {{ from_unix_seconds(began) }}
{%- endmacro %}

{#- Post-hook: the model has read these loads. -#}
{% macro record_new_loads(loads) -%}
    {%- call set_watermark() %}
        select
            '{{ this.name }}' as model_name,
            {{ last_build(loads) }} as build_number,
            cast(null as int64) as dimension_build_number
    {%- endcall -%}
{%- endmacro %}

{#- True for the rows of new loads, together with `loaded_at >= loaded_since()`, which prunes partitions. -#}
{% macro is_new_load(load_id) -%}
    {{ return(adapter.dispatch('is_new_load', 'poolhouse')(load_id)) }}
{%- endmacro %}

{% macro default__is_new_load(load_id) -%}
    {{ load_id }} in (select unnest(getvariable('new_loads').ids))
{%- endmacro %}

{% macro bigquery__is_new_load(load_id) -%}
    {{ load_id }} in unnest(new_load_ids)
{%- endmacro %}

{% macro loaded_since() -%}
    {{ return(adapter.dispatch('loaded_since', 'poolhouse')()) }}
{%- endmacro %}

{% macro default__loaded_since() -%} getvariable('new_loads').since {%- endmacro %}

{% macro bigquery__loaded_since() -%} loaded_since {%- endmacro %}

{% macro find_unknown_sets() -%}
    {%- if is_incremental() -%}
        {{ return(adapter.dispatch('find_unknown_sets', 'poolhouse')()) }}
    {%- endif -%}
{%- endmacro %}

{% macro default__find_unknown_sets() -%}
    set variable sets_since = {{ first_unknown_set() }}
{%- endmacro %}

{% macro bigquery__find_unknown_sets() -%}{%- endmacro %}

{% macro declare_unknown_sets() -%}
    declare sets_since timestamp default {{ first_unknown_set() }};
{%- endmacro %}

{#- NULL where every set is known. -#}
{% macro first_unknown_set() -%}
    (
        select min(ranges.loaded_at)
        from {{ ref('int_ledger_loaded_ranges') }} as ranges
        left outer join (select distinct asked_set from {{ this }}) as known
            on ranges.asked_set = known.asked_set
        where known.asked_set is null
    )
{%- endmacro %}

{% macro sets_since() -%}
    {{ return(adapter.dispatch('sets_since', 'poolhouse')()) }}
{%- endmacro %}

{% macro default__sets_since() -%} getvariable('sets_since') {%- endmacro %}

{% macro bigquery__sets_since() -%} sets_since {%- endmacro %}

{#- True where `families`, as `int_ledger_live_segments` and `int_ledger_changes` have them, name one of these. -#}
{% macro has_family(families, wanted) -%}
    {{ matches_pattern(families, ',(' ~ wanted | join('|') ~ '),') }}
{%- endmacro %}

{#- Every family, headers too, written as in `families`. -#}
{% macro all_families() -%}
    {{ return(',blocks,' ~ registry_events() | map(attribute='family') | unique | join(',') ~ ',') }}
{%- endmacro %}

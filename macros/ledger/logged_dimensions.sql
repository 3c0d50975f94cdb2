{#- What int_dimension_changes says of every dimension's rows as of its last build: with these it compares, not with all that it
    ever logged. Its hooks keep them, each day's in a partition of their own, so that a change rewrites its day. A build that
    fails in between logs the same changes once more. -#}
{% macro logged_dimensions() -%}
    {{ return(model_watermarks().incorporate(path={'identifier': 'logged_dimensions'})) }}
{%- endmacro %}

{#- Pre-hook. A log that is begun anew has logged nothing. -#}
{% macro create_logged_dimensions() -%}
    create {{ 'table if not exists' if is_incremental() else 'or replace table' }} {{ logged_dimensions() }} (
        dimension string,
        chain_id int64,
        entity string,
        digest string,
        first_timestamp timestamp,
        first_date date,
        last_date date
    ) {{ adapter.dispatch('partition_of_logged_dimensions', 'poolhouse')() }}
    {%- if not is_incremental() %};
    delete from {{ model_watermarks() }} where model_name = '{{ this.name }}'
    {%- endif %}
{%- endmacro %}

{% macro default__partition_of_logged_dimensions() -%}{%- endmacro %}

{% macro bigquery__partition_of_logged_dimensions() -%} partition by first_date {%- endmacro %}

{#- Post-hook in place of `record_build`: numbers go on from the watermark, so that only what is above it is read. -#}
{% macro record_dimension_build() -%}
    {{ adapter.dispatch('declare_build_before', 'poolhouse')(last_build(this)) }}
    {%- call set_watermark() %}
        select
            '{{ this.name }}' as model_name,
            coalesce(max(changes.build_number), {{ dirty_variable('seen_dimension_build') }}) as build_number,
            cast(null as int64) as dimension_build_number
        from {{ this }} as changes
        where changes.build_number > {{ dirty_variable('seen_dimension_build') }}
    {%- endcall -%}
{%- endmacro %}

{% macro default__declare_build_before(build_number) -%}
    set variable seen_dimension_build = {{ build_number }};
{%- endmacro %}

{% macro bigquery__declare_build_before(build_number) -%}
    declare seen_dimension_build int64 default {{ build_number }};
{%- endmacro %}

{#- Post-hook: what the last build logged takes the place of what was logged of the same rows before. -#}
{% macro record_logged_dimensions() -%}
    {{ adapter.dispatch('declare_days_of_last_build', 'poolhouse')() }}
    delete from {{ logged_dimensions() }} as logged
    where
        {{ in_days('logged.first_date', 'dirty_days') }}
        and exists (
            select 1
            from {{ this }} as changes
            where
                changes.build_number > {{ dirty_variable('seen_dimension_build') }}
                and changes.dimension = logged.dimension
                and changes.chain_id = logged.chain_id
                and changes.entity = logged.entity
                and changes.digest = logged.digest
        );
    insert into {{ logged_dimensions() }} (
        dimension, chain_id, entity, digest, first_timestamp, first_date, last_date
    )
    select distinct
        changes.dimension,
        changes.chain_id,
        changes.entity,
        changes.digest,
        changes.first_timestamp,
        {{ to_date('changes.first_timestamp') }} as first_date,
        changes.last_date
    from {{ this }} as changes
    where
        changes.build_number > {{ dirty_variable('seen_dimension_build') }}
        and changes.change_sign = 1
{%- endmacro %}

{% macro default__declare_days_of_last_build() -%}
    {{ default__declare_build_before(last_build(this) ~ ' - 1') }}
    set variable dirty = (
        select {'days': coalesce(list(distinct {{ to_date('changes.first_timestamp') }}), [])}
        from {{ this }} as changes
        where changes.build_number > {{ dirty_variable('seen_dimension_build') }}
    );
{%- endmacro %}

{% macro bigquery__declare_days_of_last_build() -%}
    {{ bigquery__declare_build_before(last_build(this) ~ ' - 1') }}
    declare dirty_days array<date> default (
        select coalesce(array_agg(distinct {{ to_date('changes.first_timestamp') }}), [])
        from {{ this }} as changes
        where changes.build_number > seen_dimension_build
    );
{%- endmacro %}

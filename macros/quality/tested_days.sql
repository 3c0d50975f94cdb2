{#- What data tests look at. On DuckDB whole tables. On BigQuery, where every byte is billed, the days that changed since all
    tests last passed: of a model with dirty days, or of a view on logs, its tests see the rows of these days only, from
    the hour of the first change on where older rows stand; of a table of dimensions those that matter from such a day on: the
    first day of one that changed is among them.
    `--vars '{test_scope: all}'` makes them see everything, `changed` the days that changed. Tests of what stands until an
    audit wait for one.

    `intermediate.untested_days` holds the days and first changes; the change logs renew it when they are built. It is emptied
    (by a watermark of the tests) when a run in which every such test of the project took part has passed: a fault stays under
    test until it is mended. -#}
{% macro tests_changed_days() -%}
    {%- set asked = var('test_scope', none) -%}
    {{ return(adapter.dispatch('tests_changed_days_by_default', 'poolhouse')() if asked is none else asked == 'changed') }}
{%- endmacro %}

{% macro default__tests_changed_days_by_default() -%} {{ return(false) }} {%- endmacro %}

{#- Development and CI read the change logs from production (--defer): what they build they build, and test, whole. -#}
{% macro bigquery__tests_changed_days_by_default() -%} {{ return(is_production()) }} {%- endmacro %}

{% macro untested_days() -%}
    {{ return(model_watermarks().incorporate(path={'identifier': 'untested_days'})) }}
{%- endmacro %}

{#- Post-hook of a change log. `dimensions` is the log of dimensions, where that is the one being built. -#}
{% macro record_untested_days(dimensions=none) -%}
    {%- set reach = [0] -%}
    {%- if execute -%}
        {%- for node in graph.nodes.values() if node.config.meta.carry_days -%}
            {%- do reach.append(node.config.meta.carry_days) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- set ledger_changes = ref('int_ledger_changes') if dimensions else this -%}
    {{ declare_seen_builds(ledger_changes, dimensions, '@tests') }}
    create or replace table {{ untested_days() }} as
    select
        days.date_day,
        min(changes.first_timestamp) as first_timestamp
    from (
        {% for changes, seen in [
            (ledger_changes, 'seen_build'), (dimensions, 'seen_dimension_build')
        ] if changes -%}
        select
            changes.first_date,
            changes.last_date,
            coalesce(changes.first_timestamp, {{ day_start('changes.first_date') }}) as first_timestamp
        from {{ changes }} as changes
        where changes.build_number > {{ dirty_variable(seen) }}
        {{ 'union all' if dimensions and not loop.last }}
        {% endfor -%}
        {%- if dimensions %}
        union all
        -- Where its facts are not loaded, an entity is tested all the same.
        select
            {{ to_date('changes.first_timestamp') }} as first_date,
            {{ to_date('changes.first_timestamp') }} as last_date,
            changes.first_timestamp
        from {{ dimensions }} as changes
        where changes.build_number > {{ dirty_variable('seen_dimension_build') }}
        {%- endif %}
    ) as changes
    cross join {{ unnest_days('changes.first_date', add_days('changes.last_date', reach | max)) }}
    group by days.date_day
{%- endmacro %}

{#- dbt's own hook for a test's `where`: the rows of the tested model that the test sees. -#}
{% macro default__get_where_subquery(relation) -%}
    {%- set conditions = [config.get('where')] if config.get('where') else [] -%}
    {%- set tested = graph.nodes.get(model.attached_node) if execute else none -%}
    {%- if tested and tests_changed_days() and day_column(tested) -%}
        {%- if tested.config.meta.rebuilds == 'onward' -%}
            {%- do conditions.append(day_column(tested) ~ ' >= ' ~ first_untested_day()) -%}
        {%- else -%}
            {%- do conditions.append(is_tested_day(day_column(tested), time_column(tested))) -%}
        {%- endif -%}
    {%- endif -%}
    {%- if conditions -%}
        {{ return('(select * from ' ~ relation ~ ' where ' ~ conditions | join(' and ') ~ ') as tested_rows') }}
    {%- endif -%}
    {{ return(relation) }}
{%- endmacro %}

{#- True for a test of what stands until an audit, when this run is none. `meta.tested_in_audits` says so of a model that is
    computed from such alone, of a view over all logs that only audits read, of what is read whole into tables that have tests
    of their own, and of a test in its own file. -#}
{% macro waits_for_audit() -%}
    {%- set tested = graph.nodes.get(model.attached_node) or model -%}
    {{ return(not is_audit() and (tested.config.materialized == 'audit' or tested.config.meta.tested_in_audits)) }}
{%- endmacro %}

{#- The column of a model, a date or a timestamp, by which its tests can be limited to days: what it is rebuilt by, or the
    partition that a staging view hands on, or the first day of what a table of dimensions lists (`meta.tested_by`). Empty:
    they see all of it. -#}
{% macro day_column(node) -%}
    {%- if node.config.meta.tested_by -%}
        {{ return(node.config.meta.tested_by) }}
    {%- elif node.config.meta.dirty_families -%}
        {{ return(dirty_date_of(node.config.meta)) }}
    {%- elif node.config.materialized == 'view' and 'block_timestamp' in node.columns -%}
        {{ return('block_timestamp') }}
    {%- endif -%}
    {{ return('') }}
{%- endmacro %}

{#- The column by which rows of such a day stand that are older than its first change; none where a day is built whole. -#}
{% macro time_column(node) -%}
    {%- if not node.config.meta.tested_by and node.config.meta.dirty_grain != 'day' -%}
        {{ return(node.config.meta.dirty_time or 'block_timestamp') }}
    {%- endif -%}
    {{ return(none) }}
{%- endmacro %}

{#- True for the rows that a test in its own file looks at. `time` leaves out what stands before the first change. -#}
{% macro is_tested_day(date, time=none) -%}
    {%- if not tests_changed_days() -%}
        {{ return('true') }}
    {%- endif -%}
    {%- set tested = [adapter.dispatch('is_untested', 'poolhouse')(date)] -%}
    {%- do tested.append(time ~ ' >= ' ~ untested_since()) if time is not none -%}
    {{ return(tested | join(' and ')) }}
{%- endmacro %}

{% macro default__is_untested(date) -%}
    {{ return(to_date(date) ~ ' in (select date_day from ' ~ untested_days() ~ ')') }}
{%- endmacro %}

{#- Partitions are pruned by a variable, which bigquery__get_test_sql declares. -#}
{% macro bigquery__is_untested(date) -%}
    {{ return(to_date(date) ~ ' in unnest(untested_days)') }}
{%- endmacro %}

{#- The hour of the first change: the finest that models rebuild from, but for logs. -#}
{% macro untested_since() -%}
    {{ return(adapter.dispatch('untested_since', 'poolhouse')()) }}
{%- endmacro %}

{% macro default__untested_since() -%}
    {{ return('(select ' ~ to_hour('min(first_timestamp)') ~ ' from ' ~ untested_days() ~ ')') }}
{%- endmacro %}

{% macro bigquery__untested_since() -%} {{ return('untested_since') }} {%- endmacro %}

{% macro first_untested_day() -%}
    {{ return(adapter.dispatch('first_untested_day', 'poolhouse')()) }}
{%- endmacro %}

{% macro default__first_untested_day() -%}
    {{ return('(select min(date_day) from ' ~ untested_days() ~ ')') }}
{%- endmacro %}

{% macro bigquery__first_untested_day() -%} {{ return('first_untested_day') }} {%- endmacro %}

{#- What dbt runs to test. A test that waits for an audit asks nothing of any table, since each that is named is billed. -#}
{% macro default__get_test_sql(main_sql, fail_calc, warn_if, error_if, limit) -%}
    {%- if waits_for_audit() -%}
    select
        0 as failures,
        false as should_warn,
        false as should_error
    {%- else -%}
    {{ dbt.default__get_test_sql(main_sql, fail_calc, warn_if, error_if, limit) }}
    {%- endif -%}
{%- endmacro %}

{% macro bigquery__get_test_sql(main_sql, fail_calc, warn_if, error_if, limit) -%}
    {%- if 'untested_day' in main_sql and not waits_for_audit() -%}
    declare untested struct<days array<date>, first_day date, since timestamp> default (
        select as struct
            coalesce(array_agg(changed.date_day), []) as days,
            min(changed.date_day) as first_day,
            {{ to_hour('min(changed.first_timestamp)') }} as since
        from {{ untested_days() }} as changed
    );
    declare untested_days array<date> default untested.days;
    declare first_untested_day date default untested.first_day;
    declare untested_since timestamp default untested.since;
    {%- endif %}
    {{ default__get_test_sql(main_sql, fail_calc, warn_if, error_if, limit) }}
{%- endmacro %}

{#- At the end of a run: when every test of changed days took part and passed, these days are tested. -#}
{% macro record_tested_days(results) -%}
    {%- if execute and flags.WHICH in ('build', 'test') and tests_changed_days() -%}
        {%- set passed = [] -%}
        {%- for result in results if result.status in ('pass', 'warn') -%}
            {%- do passed.append(result.node.unique_id) -%}
        {%- endfor -%}
        {%- set missing, models = [], [] -%}
        {%- for test in graph.nodes.values() if test.resource_type == 'test' and test.attached_node -%}
            {%- set tested = graph.nodes.get(test.attached_node) -%}
            {%- if tested and day_column(tested) -%}
                {%- do models.append(tested.name) if tested.config.meta.dirty_families -%}
                {%- do missing.append(test.unique_id) if test.unique_id not in passed -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if not missing -%}
            {%- call set_watermark() %}
                select
                    '@tests' as model_name,
                    min(build_number) as build_number,
                    min(dimension_build_number) as dimension_build_number
                from {{ model_watermarks() }}
                where model_name in ('{{ models | unique | join("', '") }}')
            {%- endcall -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

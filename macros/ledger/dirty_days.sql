{#- Rebuild exactly what changed, with plain `dbt build` (docs/decisions/0003-incremental.md).

    An incremental model says in its `meta` what makes its rows change:
      dirty_families    families whose logs it reads, through however many models
      dirty_dimensions  rows of `int_dimension_changes` that change it (pools, tokens, ...); its hook names that log
      carry_days        how many days a change reaches forward, through the models between as well; 0
      read_back_days    how many days back its own SQL reads; carry_days
      dirty_grain       'log' (default): rows older than the first changed log of the dirty days stand;
                        'hour', 'day': what is aggregated by hour or day is rebuilt from its start
      dirty_time        its column that `dirty_grain` compares; block_timestamp
      dirty_date        its column, a date or a timestamp, that partitions it; block_date, `closed_date` where onward
      rebuilds          'days' (default): the dirty days of `dirty_date`;
                        'onward': everything from the first dirty day on, as of state that is kept until `closed_date`
    and has the hooks                             pre_hook  = "{% raw %}{{ find_dirty_days() }}{% endraw %}",
                                                  post_hook = "{% raw %}{{ record_watermark() }}{% endraw %}"
                                       with dimensions  "{% raw %}{{ record_watermark(ref('int_dimension_changes')) }}{% endraw %}"
    What it reads:
      the dirty part of a table of days           {% raw %}where {{ is_dirty('block_date', 'block_timestamp') }}{% endraw %}
      and `read_back_days` before it              {% raw %}where {{ is_read_for_dirty('block_date') }}{% endraw %}
      from the first dirty day on                 {% raw %}where {{ is_dirty_onward('block_date') }}{% endraw %}
    A day that became empty is emptied; a build that failed leaves the watermark, so its days stay dirty.

    On DuckDB the pre-hook sets the variables, and the model's rows are deleted and inserted in one transaction. On
    BigQuery one script declares them and replaces the rows in a single MERGE. dbt renders SQL headers while it
    parses, when it does not know yet whether a build is incremental: they cannot carry the declaration. -#}

{#- One row per incremental model: the last builds of the change logs that it has incorporated. -#}
{% macro model_watermarks() -%}
    {{ return(api.Relation.create(
        database=target.database,
        schema=generate_schema_name('intermediate', none) | trim,
        identifier='model_watermarks'
    )) }}
{%- endmacro %}

{% macro create_watermarks() -%}
    {%- set relation = model_watermarks() -%}
    {{ adapter.dispatch('create_watermarks_schema', 'poolhouse')(relation) }}
    create table if not exists {{ relation }} (
        model_name string, build_number int64, dimension_build_number int64
    );
    {{ adapter.dispatch('widen_change_logs', 'poolhouse')() }}
{%- endmacro %}

{% macro default__create_watermarks_schema(relation) -%}
    create schema if not exists {{ relation.without_identifier() }};
{%- endmacro %}

{#- The statement needs the right to make datasets, which a builder has no use for: `poolhouse init bigquery` makes them. -#}
{% macro bigquery__create_watermarks_schema(relation) -%}{%- endmacro %}

{#- Warehouses that were built before these columns were there, all of them on DuckDB, get them. -#}
{% macro default__widen_change_logs() -%}
    {%- set relation = model_watermarks() -%}
    {%- set ledger_changes = relation.incorporate(path={'identifier': 'int_ledger_changes'}) -%}
    alter table {{ relation }} add column if not exists dimension_build_number int64;
    alter table if exists {{ ledger_changes }} add column if not exists first_timestamp timestamp;
    alter table if exists {{ ledger_changes }} add column if not exists filter_set string default '';
    -- Segments were logged by family. They cease with the next build, and others appear in which nothing changed.
    alter table if exists {{ ledger_changes }} add column if not exists families string default '{{ all_families() }}';
    alter table if exists {{ ledger_changes }} drop column if exists family;
    alter table if exists {{ ledger_changes }} drop column if exists role;
    alter table if exists {{ ledger_changes }} drop column if exists event;
    alter table if exists {{ ledger_changes }} drop column if exists contract_address
{%- endmacro %}

{% macro bigquery__widen_change_logs() -%}{%- endmacro %}

{#- dbt learns of a dependency from a hook's own text: a model with dirty dimensions passes their log. -#}
{% macro record_watermark(dimension_changes=none) -%}
    {%- set dimension_build = last_build(dimension_changes) if dimension_changes else 'cast(null as int64)' -%}
    {%- call set_watermark() %}
        select
            '{{ this.name }}' as model_name,
            {{ last_build(ref('int_ledger_changes')) }} as build_number,
            {{ dimension_build }} as dimension_build_number
    {%- endcall -%}
{%- endmacro %}

{#- Post-hook of a change log: its own last build is a watermark too, so that nobody reads the log to find it. -#}
{% macro record_build() -%}
    {%- call set_watermark() %}
        select
            '{{ this.name }}' as model_name,
            max(changes.build_number) as build_number,
            cast(null as int64) as dimension_build_number
        from {{ this }} as changes
    {%- endcall -%}
{%- endmacro %}

{#- One statement sets the watermark that the called block selects: on BigQuery each one is billed its minimum. -#}
{% macro set_watermark() -%}
    merge into {{ model_watermarks() }} as watermarks
    using ({{ caller() }}
    ) as built
    on watermarks.model_name = built.model_name
    when matched then update set
        build_number = built.build_number,
        dimension_build_number = built.dimension_build_number
    when not matched then insert (model_name, build_number, dimension_build_number)
        values (built.model_name, built.build_number, built.dimension_build_number)
{%- endmacro %}

{#- Number of a change log's last build. -#}
{% macro last_build(changes) -%}
    (
        select coalesce(max(logs.build_number), 0)
        from {{ model_watermarks() }} as logs
        where logs.model_name = '{{ changes.identifier }}'
    )
{%- endmacro %}

{#- Watermark on a change log of a model (this one). One above the log's own number means that the log was rebuilt from nothing:
    then everything is dirty. -#}
{% macro seen_build(column, changes, model_name=this.name) -%}
    coalesce(
        (
            select max(watermarks.{{ column }})
            from {{ model_watermarks() }} as watermarks
            where
                watermarks.model_name = '{{ model_name }}'
                and watermarks.{{ column }} <= {{ last_build(changes) }}
        ),
        0
    )
{%- endmacro %}

{#- The change logs that this model depends on: the ledger's, and that of dimensions or none. -#}
{% macro change_logs() -%}
    {{ return([
        ref('int_ledger_changes'),
        ref('int_dimension_changes') if config.meta_get('dirty_dimensions') else none,
    ]) }}
{%- endmacro %}

{#- Watermarks of a model as variables, so that of the change logs only newer partitions are read. -#}
{% macro declare_seen_builds(ledger_changes, dimension_changes=none, model_name=this.name) -%}
    {{ return(adapter.dispatch('declare_seen_builds', 'poolhouse')(ledger_changes, dimension_changes, model_name)) }}
{%- endmacro %}

{% macro default__declare_seen_builds(ledger_changes, dimension_changes, model_name) -%}
    set variable seen_build = {{ seen_build('build_number', ledger_changes, model_name) }};
    {%- if dimension_changes %}
    set variable seen_dimension_build = {{ seen_build('dimension_build_number', dimension_changes, model_name) }};
    {%- endif %}
{%- endmacro %}

{#- One statement reads the watermarks: each one that does is billed the minimum. -#}
{% macro bigquery__declare_seen_builds(ledger_changes, dimension_changes, model_name) -%}
    {%- set ledger_build = seen_build('build_number', ledger_changes, model_name) -%}
    {%- if dimension_changes %}
    declare seen_builds struct<build int64, dimension_build int64> default (
        select as struct
            {{ ledger_build }} as build,
            {{ seen_build('dimension_build_number', dimension_changes, model_name) }} as dimension_build
    );
    declare seen_build int64 default seen_builds.build;
    declare seen_dimension_build int64 default seen_builds.dimension_build;
    {%- else %}
    declare seen_build int64 default {{ ledger_build }};
    {%- endif %}
{%- endmacro %}

{#- The change logs are partitioned by build: an incremental model reads the newest. -#}
{% macro build_partition() -%}
    {%- if target.type == 'bigquery' -%}
        {{ return({
            'field': 'build_number', 'data_type': 'int64', 'range': {'start': 0, 'end': 1000000, 'interval': 100}
        }) }}
    {%- endif -%}
    {{ return(none) }}
{%- endmacro %}

{#- Days that changed since this model was last built, and the first changed log of each. -#}
{% macro select_dirty_days() -%}
    {%- set carry_days = config.meta_get('carry_days') or 0 -%}
    select
        days.date_day,
        min(changes.first_timestamp) as first_timestamp
    from (
        select
            ledger.first_date,
            ledger.last_date,
            coalesce(ledger.first_timestamp, {{ day_start('ledger.first_date') }}) as first_timestamp
        from {{ ref('int_ledger_changes') }} as ledger
        where
            {{ has_family('ledger.families', config.meta_get('dirty_families')) }}
            and ledger.build_number > {{ dirty_variable('seen_build') }}
        {%- if config.meta_get('dirty_dimensions') %}
        union all
        select
            dimensions.first_date,
            dimensions.last_date,
            dimensions.first_timestamp
        from {{ ref('int_dimension_changes') }} as dimensions
        where
            dimensions.dimension in ('{{ config.meta_get('dirty_dimensions') | join("', '") }}')
            and dimensions.build_number > {{ dirty_variable('seen_dimension_build') }}
        {%- endif %}
    ) as changes
    cross join {{ unnest_days('changes.first_date', add_days('changes.last_date', carry_days)) }}
    group by days.date_day
{%- endmacro %}

{#- Statements that hold what is dirty in variables: BigQuery prunes partitions by variables and literals, not by
    subqueries. -#}
{% macro declare_dirty_days() -%}
    {{ return(adapter.dispatch('declare_dirty_days', 'poolhouse')()) }}
{%- endmacro %}

{% macro default__declare_dirty_days() -%}
    {{ declare_seen_builds(*change_logs()) }}
    set variable dirty = (
        select {
            'days': coalesce(list(dirty.date_day), []),
            'first_day': min(dirty.date_day),
            'since': {{ start_of_dirty('min(dirty.first_timestamp)') }}
        }
        from ({{ select_dirty_days() }}) as dirty
    );
    set variable read_days = (
        select coalesce(list(distinct days.date_day), [])
        from (select unnest(getvariable('dirty').days) as dirty_day) as dirty
        cross join {{ unnest_read_days('dirty.dirty_day') }}
    )
{%- endmacro %}

{% macro bigquery__declare_dirty_days() -%}
    {{ declare_seen_builds(*change_logs()) }}
    declare dirty struct<days array<date>, first_day date, since timestamp> default (
        select as struct
            coalesce(array_agg(dirty.date_day), []) as days,
            min(dirty.date_day) as first_day,
            {{ start_of_dirty('min(dirty.first_timestamp)') }} as since
        from ({{ select_dirty_days() }}) as dirty
    );
    declare dirty_days array<date> default dirty.days;
    declare first_dirty_day date default dirty.first_day;
    declare dirty_since timestamp default dirty.since;
    declare read_days array<date> default (
        select coalesce(array_agg(distinct days.date_day), [])
        from unnest(dirty.days) as dirty_day
        cross join {{ unnest_read_days('dirty_day') }}
    );
{%- endmacro %}

{% macro unnest_read_days(dirty_day) -%}
    {%- set read_back_days = config.meta_get('read_back_days', config.meta_get('carry_days')) or 0 -%}
    {{ unnest_days(add_days(dirty_day, -read_back_days), dirty_day) }}
{%- endmacro %}

{% macro start_of_dirty(timestamp) -%}
    {%- set grain = config.meta_get('dirty_grain') or 'log' -%}
    {%- if grain == 'log' -%}
        {{ timestamp }}
    {%- elif grain == 'hour' -%}
        {{ to_hour(timestamp) }}
    {%- else -%}
        {{ day_start(to_date(timestamp)) }}
    {%- endif -%}
{%- endmacro %}

{#- The pre-hook: BigQuery declares in the script that replaces the rows. -#}
{% macro find_dirty_days() -%}
    {%- if is_incremental() -%}
        {{ return(adapter.dispatch('find_dirty_days', 'poolhouse')()) }}
    {%- endif -%}
{%- endmacro %}

{% macro default__find_dirty_days() -%}
    {{ declare_dirty_days() }}
{%- endmacro %}

{% macro bigquery__find_dirty_days() -%}{%- endmacro %}

{#- True for the rows to build, all of them on a full build. `date` prunes partitions: a column that partitions what
    is read, or the timestamp that does. `time` leaves out what stands before the first changed log. -#}
{% macro is_dirty(date, time=none) -%}
    {%- if not is_incremental() -%}
        true
    {%- elif time is none -%}
        {{ in_days(date, 'dirty_days') }}
    {%- else -%}
        {{ in_days(date, 'dirty_days') }} and {{ time }} >= {{ dirty_variable('dirty_since') }}
    {%- endif -%}
{%- endmacro %}

{#- True for the rows that the dirty days are computed from: theirs and those of `read_back_days` before. -#}
{% macro is_read_for_dirty(date) -%}
    {%- if is_incremental() -%} {{ in_days(date, 'read_days') }} {%- else -%} true {%- endif -%}
{%- endmacro %}

{#- True from the first dirty day on; never when nothing is dirty. -#}
{% macro is_dirty_onward(date) -%}
    {%- if is_incremental() -%} {{ date }} >= {{ dirty_variable('first_dirty_day') }} {%- else -%} true {%- endif -%}
{%- endmacro %}

{#- True for state that holds when the first dirty day starts, in an incremental build of a model that `rebuilds`
    onward: rows of {% raw %}{{ this }}{% endraw %} to go on from. -#}
{% macro is_carried_into_dirty(from_date, closed_date='closed_date') -%}
    {{ closed_date }} >= {{ dirty_variable('first_dirty_day') }} and {{ from_date }} < {{ dirty_variable('first_dirty_day') }}
{%- endmacro %}

{#- The day on which state ceases to hold that still does: the last day that BigQuery partitions by. -#}
{% macro open_date() -%} date '2159-12-31' {%- endmacro %}

{% macro in_days(date, days) -%}
    {{ return(adapter.dispatch('in_days', 'poolhouse')(date, days)) }}
{%- endmacro %}

{% macro default__in_days(date, days) -%}
    list_contains({{ dirty_variable(days) }}, {{ to_date(date) }})
{%- endmacro %}

{% macro bigquery__in_days(date, days) -%}
    {{ to_date(date) }} in unnest({{ days }})
{%- endmacro %}

{#- A variable of `declare_dirty_days`. -#}
{% macro dirty_variable(name) -%}
    {{ return(adapter.dispatch('dirty_variable', 'poolhouse')(name)) }}
{%- endmacro %}

{% macro default__dirty_variable(name) -%}
    {%- set fields = {
        'seen_build': "getvariable('seen_build')",
        'seen_dimension_build': "getvariable('seen_dimension_build')",
        'dirty_days': "getvariable('dirty').days",
        'first_dirty_day': "getvariable('dirty').first_day",
        'dirty_since': "getvariable('dirty').since",
        'read_days': "getvariable('read_days')",
    } -%}
    {{ fields[name] }}
{%- endmacro %}

{% macro bigquery__dirty_variable(name) -%} {{ name }} {%- endmacro %}

{#- The column that partitions an incremental model, by its `meta`. -#}
{% macro dirty_date_of(meta) -%}
    {{ return(meta.dirty_date or ('closed_date' if meta.rebuilds == 'onward' else 'block_date')) }}
{%- endmacro %}

{#- Rows of this model that an incremental build replaces. -#}
{% macro replaced_rows(alias) -%}
    {%- set dirty_date = alias ~ '.' ~ dirty_date_of(model.config.meta) -%}
    {%- if config.meta_get('rebuilds') == 'onward' -%}
        {{ dirty_date }} >= {{ dirty_variable('first_dirty_day') }}
    {%- elif (config.meta_get('dirty_grain') or 'log') == 'day' -%}
        {{ in_days(dirty_date, 'dirty_days') }}
    {%- else -%}
        {{ in_days(dirty_date, 'dirty_days') }}
        and {{ alias }}.{{ config.meta_get('dirty_time') or 'block_timestamp' }} >= {{ dirty_variable('dirty_since') }}
    {%- endif -%}
{%- endmacro %}

{#- The incremental strategy of a model with dirty days. BigQuery's adapter knows its own strategies only:
    bigquery__get_merge_sql below makes the MERGE one that replaces. -#}
{% macro replace_strategy() -%}
    {{ return('merge' if target.type == 'bigquery' else 'replace') }}
{%- endmacro %}

{% macro get_incremental_replace_sql(arguments) -%}
    delete from {{ arguments.target_relation }} as replaced
    where {{ replaced_rows('replaced') }};
    {{ get_insert_into_sql(arguments.target_relation, arguments.temp_relation, arguments.dest_columns) }}
{%- endmacro %}

{#- What dbt runs for an incremental build: for a model with dirty families the days are declared and replaced in one
    atomic statement, for any other model dbt's own MERGE, which adds rows. -#}
{% macro bigquery__get_merge_sql(target, source, unique_key, dest_columns, incremental_predicates=none) -%}
    {%- if config.meta_get('dirty_families') -%}
        {{ declare_dirty_days() }}
        {{ get_insert_overwrite_merge_sql(
            target, source, dest_columns, [replaced_rows('DBT_INTERNAL_DEST')], false
        ) }}
    {%- else -%}
        {%- if config.meta_get('reads_new_loads') -%}
            {{ declare_new_loads() }}
        {%- elif config.meta_get('reads_unknown_sets') -%}
            {{ declare_unknown_sets() }}
        {%- endif %}
        {{ default__get_merge_sql(target, source, unique_key, dest_columns, incremental_predicates) }}
    {%- endif -%}
{%- endmacro %}

{#- dbt writes the rows of a model with a contract into a table of its own first, to compare columns. The hook before
    that statement, meant for another variable, declares the dirty days. -#}
{% macro declare_dbt_max_partition(relation, partition_by, compiled_code, language='sql') -%}
    {%- if config.meta_get('dirty_families') and is_incremental() -%}
        {{ declare_dirty_days() }}
    {%- endif -%}
{%- endmacro %}

{#- And it learns those columns from the query alone, without a row: there the variables are known, and empty. -#}
{% macro bigquery__get_empty_subquery_sql(select_sql, select_sql_header=none) -%}
    {%- set header -%}
        {{ select_sql_header or '' }}
        {% if config.meta_get('dirty_families') and is_incremental() -%}
            declare dirty_days, read_days array<date>;
            declare first_dirty_day date;
            declare dirty_since timestamp;
        {%- endif %}
    {%- endset -%}
    {{ return(dbt.bigquery__get_empty_subquery_sql(select_sql, header)) }}
{%- endmacro %}

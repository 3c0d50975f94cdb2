{#- UTC day of a timestamp. -#}
{% macro to_date(timestamp) -%}
    {{ return(adapter.dispatch('to_date', 'poolhouse')(timestamp)) }}
{%- endmacro %}

{#- DuckDB casts a timestamptz in the session's zone, which the profile pins to UTC. -#}
{% macro default__to_date(timestamp) -%}
    cast({{ timestamp }} as date)
{%- endmacro %}

{% macro bigquery__to_date(timestamp) -%}
    date({{ timestamp }})
{%- endmacro %}

{#- Start of the UTC hour of a timestamp. -#}
{% macro to_hour(timestamp) -%}
    {{ return(adapter.dispatch('to_hour', 'poolhouse')(timestamp)) }}
{%- endmacro %}

{% macro default__to_hour(timestamp) -%}
    date_trunc('hour', {{ timestamp }})
{%- endmacro %}

{% macro bigquery__to_hour(timestamp) -%}
    timestamp_trunc({{ timestamp }}, hour)
{%- endmacro %}

{#- Seconds since 1970-01-01 UTC, int64. -#}
{% macro unix_seconds(timestamp) -%}
    {{ return(adapter.dispatch('unix_seconds', 'poolhouse')(timestamp)) }}
{%- endmacro %}

{% macro default__unix_seconds(timestamp) -%}
    cast(epoch({{ timestamp }}) as bigint)
{%- endmacro %}

{% macro bigquery__unix_seconds(timestamp) -%}
    unix_seconds({{ timestamp }})
{%- endmacro %}

{#- Timestamp of seconds since 1970-01-01 UTC. -#}
{% macro from_unix_seconds(seconds) -%}
    {{ return(adapter.dispatch('from_unix_seconds', 'poolhouse')(seconds)) }}
{%- endmacro %}

{% macro default__from_unix_seconds(seconds) -%}
    to_timestamp({{ seconds }})
{%- endmacro %}

{% macro bigquery__from_unix_seconds(seconds) -%}
    timestamp_seconds({{ seconds }})
{%- endmacro %}

{#- `from` item that yields one row per day, both ends included, as `days.date_day`. Follows a comma-less
    `cross join`; the ends may be columns of the table to its left. -#}
{% macro unnest_days(first_day, last_day) -%}
    {{ return(adapter.dispatch('unnest_days', 'poolhouse')(first_day, last_day)) }}
{%- endmacro %}

{% macro default__unnest_days(first_day, last_day) -%}
    lateral (
        select cast(steps.step as date) as date_day
        from generate_series(
            cast({{ first_day }} as timestamp), cast({{ last_day }} as timestamp), interval 1 day
        ) as steps (step)
    ) as days
{%- endmacro %}

{% macro bigquery__unnest_days(first_day, last_day) -%}
    unnest(
        array(
            select as struct date_day
            from unnest(generate_date_array({{ first_day }}, {{ last_day }})) as date_day
        )
    ) as days
{%- endmacro %}

{#- Date so many days later (earlier when negative). -#}
{% macro add_days(date, days) -%}
    {%- if days == 0 -%}
        {{ return(date) }}
    {%- endif -%}
    {{ return(adapter.dispatch('add_days', 'poolhouse')(date, days)) }}
{%- endmacro %}

{% macro default__add_days(date, days) -%}
    ({{ date }} + {{ days }})
{%- endmacro %}

{% macro bigquery__add_days(date, days) -%}
    date_add({{ date }}, interval {{ days }} day)
{%- endmacro %}

{#- First second of a UTC day, as a timestamp. -#}
{% macro day_start(date) -%}
    {{ return(adapter.dispatch('day_start', 'poolhouse')(date)) }}
{%- endmacro %}

{% macro default__day_start(date) -%}
    cast({{ date }} as timestamp)
{%- endmacro %}

{% macro bigquery__day_start(date) -%}
    timestamp({{ date }})
{%- endmacro %}

{#- Last second of a UTC day, as a timestamp. -#}
{% macro day_end(date) -%}
    {{ return(adapter.dispatch('day_end', 'poolhouse')(date)) }}
{%- endmacro %}

{% macro default__day_end(date) -%}
    cast({{ date }} as timestamp) + interval 86399 second
{%- endmacro %}

{% macro bigquery__day_end(date) -%}
    timestamp_add(timestamp({{ date }}), interval 86399 second)
{%- endmacro %}

{#- `from` item that yields one row per hour, both ends included, as `hours.hour_start`; otherwise like
    `unnest_days`. The ends are timestamps at full hours. -#}
{% macro unnest_hours(first_hour, last_hour) -%}
    {{ return(adapter.dispatch('unnest_hours', 'poolhouse')(first_hour, last_hour)) }}
{%- endmacro %}

{% macro default__unnest_hours(first_hour, last_hour) -%}
    lateral (
        select steps.step as hour_start
        from generate_series({{ first_hour }}, {{ last_hour }}, interval 1 hour) as steps (step)
    ) as hours
{%- endmacro %}

{% macro bigquery__unnest_hours(first_hour, last_hour) -%}
    unnest(
        array(
            select as struct hour_start
            from unnest(
                generate_timestamp_array({{ first_hour }}, {{ last_hour }}, interval 1 hour)
            ) as hour_start
        )
    ) as hours
{%- endmacro %}

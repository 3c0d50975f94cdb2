{{
    config(
        materialized = 'incremental',
        full_refresh = false,
        post_hook = "{{ record_build() }}",
    )
}}

-- Which load was complete since which build: what came after a watermark is new, also a load that took long to complete.
with

complete as (

    select distinct load_id
    from {{ source('poolhouse', '_dlt_loads') }}
    where status = 0

),

{% if is_incremental() %}

history as (

    select * from {{ this }}

),

{% else %}

history as (

    select
        load_id,
        0 as build_number
    from complete
    where false

),

{% endif %}

last_build as (

    select coalesce(max(build_number), 0) as build_number from history

),

final as (

    select
        complete.load_id,
        last_build.build_number + 1 as build_number
    from complete
    cross join last_build
    left outer join history
        on complete.load_id = history.load_id
    where history.load_id is null

)

select * from final

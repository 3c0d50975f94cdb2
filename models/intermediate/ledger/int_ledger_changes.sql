{{
    config(
        materialized = 'incremental',
        full_refresh = false,
        partition_by = build_partition(),
        post_hook = ["{{ record_build() }}", "{{ record_untested_days() }}"],
    )
}}

with

live_segments as (

    select
        chain_id,
        family,
        filter_set,
        load_id,
        from_block,
        to_block,
        {{ to_date('min_timestamp') }} as first_date,
        {{ to_date('max_timestamp') }} as last_date,
        min_timestamp as first_timestamp
    from {{ ref('int_ledger_live_segments') }}

),

{% if is_incremental() %}

history as (

    select * from {{ this }}

),

{% else %}

history as (

    select
        live_segments.*,
        1 as change_sign,
        0 as build_number
    from live_segments
    where false

),

{% endif %}

known as (

    select
        chain_id,
        family,
        filter_set,
        load_id,
        from_block,
        to_block,
        first_date,
        last_date,
        first_timestamp,
        sum(change_sign) as balance
    from history
    group by
        chain_id,
        family,
        filter_set,
        load_id,
        from_block,
        to_block,
        first_date,
        last_date,
        first_timestamp

),

previous as (

    select * from known
    where balance > 0

),

last_build as (

    select coalesce(max(build_number), 0) as build_number from history

),

appeared as (

    select
        live_segments.*,
        1 as change_sign
    from live_segments
    left outer join previous
        on
            live_segments.chain_id = previous.chain_id
            and live_segments.family = previous.family
            and live_segments.filter_set = previous.filter_set
            and live_segments.load_id = previous.load_id
            and live_segments.from_block = previous.from_block
            and live_segments.to_block = previous.to_block
    where previous.load_id is null

),

ceased as (

    select
        previous.chain_id,
        previous.family,
        previous.filter_set,
        previous.load_id,
        previous.from_block,
        previous.to_block,
        previous.first_date,
        previous.last_date,
        previous.first_timestamp,
        cast(-previous.balance as int64) as change_sign
    from previous
    left outer join live_segments
        on
            previous.chain_id = live_segments.chain_id
            and previous.family = live_segments.family
            and previous.filter_set = live_segments.filter_set
            and previous.load_id = live_segments.load_id
            and previous.from_block = live_segments.from_block
            and previous.to_block = live_segments.to_block
    where live_segments.load_id is null

),

changes as (

    select * from appeared
    union all
    select * from ceased

),

final as (

    select
        changes.chain_id,
        changes.family,
        changes.filter_set,
        changes.load_id,
        changes.from_block,
        changes.to_block,
        changes.first_date,
        changes.last_date,
        changes.first_timestamp,
        changes.change_sign,
        last_build.build_number + 1 as build_number
    from changes
    cross join last_build

)

select * from final

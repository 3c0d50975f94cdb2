{{
    config(
        materialized = 'incremental',
        full_refresh = false,
        post_hook = "{{ record_untested_days() }}",
    )
}}

with

live_ranges as (

    select
        chain_id,
        family,
        role,
        event,
        contract_address,
        load_id,
        from_block,
        to_block,
        {{ to_date('min_timestamp') }} as first_date,
        {{ to_date('max_timestamp') }} as last_date,
        min_timestamp as first_timestamp
    from {{ ref('int_ledger_live_ranges') }}

),

{% if is_incremental() %}

history as (

    select * from {{ this }}

),

{% else %}

history as (

    select
        live_ranges.*,
        1 as change_sign,
        0 as build_number
    from live_ranges
    where false

),

{% endif %}

known as (

    select
        chain_id,
        family,
        role,
        event,
        contract_address,
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
        role,
        event,
        contract_address,
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
        live_ranges.*,
        1 as change_sign
    from live_ranges
    left outer join previous
        on
            live_ranges.chain_id = previous.chain_id
            and live_ranges.family = previous.family
            and live_ranges.role = previous.role
            and live_ranges.event = previous.event
            and live_ranges.contract_address = previous.contract_address
            and live_ranges.load_id = previous.load_id
            and live_ranges.from_block = previous.from_block
            and live_ranges.to_block = previous.to_block
    where previous.load_id is null

),

ceased as (

    select
        previous.chain_id,
        previous.family,
        previous.role,
        previous.event,
        previous.contract_address,
        previous.load_id,
        previous.from_block,
        previous.to_block,
        previous.first_date,
        previous.last_date,
        previous.first_timestamp,
        -1 as change_sign
    from previous
    left outer join live_ranges
        on
            previous.chain_id = live_ranges.chain_id
            and previous.family = live_ranges.family
            and previous.role = live_ranges.role
            and previous.event = live_ranges.event
            and previous.contract_address = live_ranges.contract_address
            and previous.load_id = live_ranges.load_id
            and previous.from_block = live_ranges.from_block
            and previous.to_block = live_ranges.to_block
    where live_ranges.load_id is null

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
        changes.role,
        changes.event,
        changes.contract_address,
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

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
        filter_set,
        load_id,
        from_block,
        to_block,
        {{ to_date('min_timestamp') }} as first_date,
        {{ to_date('max_timestamp') }} as last_date,
        min_timestamp as first_timestamp
    from {{ ref('int_ledger_live_segments') }}

),

headers as (

    select * from {{ ref('stg_poolhouse__headers') }}

),

-- Whether what was read at a block counts, the newest header of its number says: it may be of another day than the others.
number_days as (

    select
        chain_id,
        block_number,
        {{ to_date('block_timestamp') }} as block_date,
        min(block_timestamp) as first_timestamp
    from headers
    group by chain_id, block_number, {{ to_date('block_timestamp') }}

),

header_days as (

    select
        headers.chain_id,
        'headers' as filter_set,
        headers.load_id,
        min(headers.block_number) as from_block,
        max(headers.block_number) as to_block,
        number_days.block_date as first_date,
        number_days.block_date as last_date,
        min(number_days.first_timestamp) as first_timestamp
    from headers
    inner join number_days
        on
            headers.chain_id = number_days.chain_id
            and headers.block_number = number_days.block_number
    group by headers.chain_id, headers.load_id, number_days.block_date

),

present as (

    select * from live_segments
    union all
    select * from header_days

),

set_families as (

    select
        filter_set,
        family,
        {{ dbt.hash(
            "string_agg(concat(role, '/', event, '/', contract_address), ','"
            ~ " order by role, event, contract_address)"
        ) }} as filters
    from {{ ref('int_ledger_filter_sets') }}
    group by filter_set, family
    union all
    select
        'headers' as filter_set,
        'blocks' as family,
        'headers' as filters

),

{% if is_incremental() %}

history as (

    select * from {{ this }}

),

{% else %}

history as (

    select
        present.*,
        1 as change_sign,
        0 as build_number
    from present
    where false

),

{% endif %}

known as (

    select
        chain_id,
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

-- Headers of a load may get another day, when another load sees one of their numbers there.
appeared as (

    select
        present.*,
        1 as change_sign
    from present
    left outer join previous
        on
            present.chain_id = previous.chain_id
            and present.filter_set = previous.filter_set
            and present.load_id = previous.load_id
            and present.from_block = previous.from_block
            and present.to_block = previous.to_block
            and present.first_date = previous.first_date
    where previous.load_id is null

),

ceased as (

    select
        previous.chain_id,
        previous.filter_set,
        previous.load_id,
        previous.from_block,
        previous.to_block,
        previous.first_date,
        previous.last_date,
        previous.first_timestamp,
        cast(-previous.balance as int64) as change_sign
    from previous
    left outer join present
        on
            previous.chain_id = present.chain_id
            and previous.filter_set = present.filter_set
            and previous.load_id = present.load_id
            and previous.from_block = present.from_block
            and previous.to_block = present.to_block
            and previous.first_date = present.first_date
    where present.load_id is null

),

changes as (

    select * from appeared
    union all
    select * from ceased

),

-- Where some families of a segment are loaded again it ceases, and one of the others appears: nothing changed of these. A set
-- that was logged before the sets were kept may have been of any family.
family_changes as (

    select
        changes.*,
        coalesce(set_families.family, '{{ all_families().strip(',') }}') as family,
        min(changes.change_sign) over (
            partition by
                changes.chain_id,
                changes.load_id,
                changes.from_block,
                changes.to_block,
                changes.first_date,
                changes.last_date,
                changes.first_timestamp,
                set_families.family,
                set_families.filters
        ) as least_sign,
        max(changes.change_sign) over (
            partition by
                changes.chain_id,
                changes.load_id,
                changes.from_block,
                changes.to_block,
                changes.first_date,
                changes.last_date,
                changes.first_timestamp,
                set_families.family,
                set_families.filters
        ) as greatest_sign
    from changes
    left outer join set_families
        on changes.filter_set = set_families.filter_set

),

families as (

    select
        chain_id,
        filter_set,
        load_id,
        from_block,
        to_block,
        first_date,
        last_date,
        first_timestamp,
        change_sign,
        concat(
            ',',
            coalesce(
                string_agg(
                    case when least_sign = greatest_sign then family end, ',' order by family
                ),
                ''
            ),
            ','
        ) as families
    from family_changes
    group by
        chain_id,
        filter_set,
        load_id,
        from_block,
        to_block,
        first_date,
        last_date,
        first_timestamp,
        change_sign

),

final as (

    select
        families.chain_id,
        families.families,
        families.filter_set,
        families.load_id,
        families.from_block,
        families.to_block,
        families.first_date,
        families.last_date,
        families.first_timestamp,
        families.change_sign,
        last_build.build_number + 1 as build_number
    from families
    cross join last_build

)

select * from final

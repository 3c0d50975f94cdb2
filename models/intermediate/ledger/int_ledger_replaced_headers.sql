{{
    config(
        materialized = 'incremental',
        incremental_strategy = replace_strategy(),
        meta = {'dirty_families': ['blocks'], 'dirty_grain': 'day'},
        pre_hook = "{{ find_dirty_days() }}",
        post_hook = "{{ record_watermark() }}",
    )
}}
-- Few enough to need no partitions: every reader of reads asks all of them.
-- A header of a dirty day may have been replaced by one of a day that is not dirty: that one is known from before, since a
-- header that appears or ceases dirties the days of all headers of its number. What ceased is no longer known.
with

seen as (

    select
        chain_id,
        block_number,
        block_hash,
        {{ to_date('block_timestamp') }} as block_date,
        block_hash as newest_hash,
        load_id as newest_load_id
    from {{ ref('stg_poolhouse__headers') }}
    where {{ is_dirty('block_timestamp') }}

),

{% if is_incremental() %}

known as (

    select * from seen
    union all
    select
        earlier.chain_id,
        earlier.block_number,
        earlier.block_hash,
        earlier.block_date,
        earlier.newest_hash,
        earlier.newest_load_id
    from {{ this }} as earlier
    inner join {{ source('poolhouse', '_dlt_loads') }} as loads
        on earlier.newest_load_id = loads.load_id and loads.status = 0
    where {{ is_dirty('earlier.block_date') }}

),

{% else %}

known as (

    select * from seen

),

{% endif %}

newest as (

    select
        chain_id,
        block_number,
        newest_hash,
        newest_load_id
    from known
    qualify row_number() over (
        partition by chain_id, block_number order by newest_load_id desc, newest_hash asc
    ) = 1

),

final as (

    select distinct
        seen.chain_id,
        seen.block_number,
        seen.block_hash,
        seen.block_date,
        newest.newest_hash,
        newest.newest_load_id
    from seen
    inner join newest
        on
            seen.chain_id = newest.chain_id
            and seen.block_number = newest.block_number
    where seen.block_hash != newest.newest_hash

)

select * from final

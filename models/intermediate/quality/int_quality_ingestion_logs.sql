-- I1: a log is live once in each table (another family may read it as its own event of the same topic 0), and all live logs of a block agree on its hash.
with

logs as (

    select * from {{ ref('stg_poolhouse__live_logs') }}

),

copies as (

    select
        chain_id,
        block_number,
        log_index,
        table_name,
        count(*) as row_count
    from logs
    group by chain_id, block_number, log_index, table_name

),

hashes as (

    select
        chain_id,
        block_number,
        count(distinct block_hash) as hash_count
    from logs
    group by chain_id, block_number

),

checks as (

    select
        chain_id,
        'logs' as entity,
        block_number,
        row_count as found_count
    from copies
    union all
    select
        chain_id,
        'block hashes' as entity,
        block_number,
        hash_count as found_count
    from hashes

),

totals as (

    select
        chain_id,
        entity,
        count(*) as checked_count,
        sum(case when found_count > 1 then 1 else 0 end) as failed_count,
        min(case when found_count > 1 then block_number end) as first_failed_block,
        max(found_count) as highest_count,
        max(block_number) as as_of_block
    from checks
    group by chain_id, entity

),

final as (

    select
        'I1' as invariant_id,
        '*' as mart,
        chain_id,
        entity,
        case when failed_count > 0 then 'failed' else 'ok' end as status,
        checked_count,
        cast(failed_count as int64) as failed_count,
        first_failed_block,
        case when failed_count > 0 then '1' end as expected_value,
        case when failed_count > 0 then {{ int_to_text('highest_count') }} end as actual_value,
        as_of_block
    from totals

)

select * from final

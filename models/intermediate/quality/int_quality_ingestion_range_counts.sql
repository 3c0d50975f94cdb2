-- Rows that each live range says it loaded, and those that are there.
with

ranges as (

    select * from {{ ref('stg_poolhouse__load_ranges') }}

),

live_ranges as (

    select * from {{ ref('int_ledger_live_ranges') }}

),

log_counts as (

    select * from {{ ref('stg_poolhouse__log_counts') }}

),

-- Rows of a range that owns nothing any more may have been cleaned up.
owning as (

    select distinct
        ranges.chain_id,
        ranges.family,
        ranges.role,
        ranges.event,
        ranges.contract_address,
        ranges.table_name,
        ranges.load_id,
        ranges.from_block,
        ranges.to_block,
        ranges.log_count
    from ranges
    inner join live_ranges
        on
            ranges.chain_id = live_ranges.chain_id
            and ranges.family = live_ranges.family
            and ranges.role = live_ranges.role
            and ranges.event = live_ranges.event
            and ranges.contract_address = live_ranges.contract_address
            and ranges.load_id = live_ranges.load_id
            and live_ranges.from_block between ranges.from_block and ranges.to_block

),

counted as (

    select
        owning.chain_id,
        owning.family,
        owning.role,
        owning.event,
        owning.contract_address,
        owning.load_id,
        owning.from_block,
        owning.log_count as expected_count,
        cast(coalesce(sum(log_counts.log_count), 0) as int64) as actual_count
    from owning
    left outer join log_counts
        on
            owning.chain_id = log_counts.chain_id
            and owning.table_name = log_counts.table_name
            and owning.role = log_counts.role
            and owning.event = log_counts.event
            and owning.load_id = log_counts.load_id
            and owning.contract_address in ('*', log_counts.contract_address)
            and log_counts.block_number between owning.from_block and owning.to_block
    group by
        owning.chain_id,
        owning.family,
        owning.role,
        owning.event,
        owning.contract_address,
        owning.load_id,
        owning.from_block,
        owning.log_count

)

select * from counted

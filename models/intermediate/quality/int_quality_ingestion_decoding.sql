-- I5: every log that was asked for is decoded, or kept as it came with the reason; of contracts that models read,
-- every one is decoded. What strangers emit under an event's name may be anything.
with

logs as (

    select * from {{ ref('stg_poolhouse__live_logs') }}

),

undecoded as (

    select * from {{ ref('stg_poolhouse__undecoded_logs') }}

),

pools as (

    select * from {{ ref('dex_pools') }}
    where protocol != 'unknown'

),

checked as (

    select
        chain_id,
        table_name as entity,
        block_number,
        log_index,
        'decoded' as expected_value,
        'decoded' as actual_value,
        false as is_failed
    from logs
    union all
    select
        undecoded.chain_id,
        undecoded.table_name as entity,
        undecoded.block_number,
        undecoded.log_index,
        case
            when undecoded.asked_address != '*' or pools.pool_address is not null then 'decoded'
            else 'a reason'
        end as expected_value,
        {{ dbt.concat(['undecoded.contract_address', "': '", "coalesce(undecoded.reason, '')"]) }}
            as actual_value,
        undecoded.asked_address != '*'
        or pools.pool_address is not null
        or coalesce(undecoded.reason, '') = '' as is_failed
    from undecoded
    left outer join pools
        on
            undecoded.chain_id = pools.chain_id
            and undecoded.contract_address = pools.pool_address

),

subjects as (

    select
        chain_id,
        entity,
        true as is_determined,
        max(block_number) as as_of_block
    from checked
    group by chain_id, entity

),

{{ check_rows('I5', '*') }}

select * from final

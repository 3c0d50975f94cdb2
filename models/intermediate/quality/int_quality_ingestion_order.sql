-- I4: inside a block, later logs belong to later transactions, and the logs of a transaction stand together.
with

logs as (

    select * from {{ ref('stg_poolhouse__live_logs') }}

),

neighbours as (

    select
        *,
        lag(tx_index) over (
            partition by chain_id, block_number
            order by log_index, tx_index, tx_hash
        ) as previous_tx_index,
        lag(tx_hash) over (
            partition by chain_id, block_number
            order by log_index, tx_index, tx_hash
        ) as previous_tx_hash
    from logs

),

subjects as (

    select
        chain_id,
        'logs' as entity,
        true as is_determined,
        max(block_number) as as_of_block
    from logs
    group by chain_id

),

checked as (

    select
        chain_id,
        'logs' as entity,
        block_number,
        log_index,
        {{ dbt.concat(["'from transaction '", int_to_text('previous_tx_index'), "' on'"]) }}
            as expected_value,
        {{ dbt.concat(["'transaction '", int_to_text('tx_index')]) }} as actual_value,
        not coalesce(
            tx_index > previous_tx_index
            or (tx_index = previous_tx_index and tx_hash = previous_tx_hash),
            false
        ) as is_failed
    from neighbours
    where previous_tx_hash is not null

),

{{ check_rows('I4', '*') }}

select * from final

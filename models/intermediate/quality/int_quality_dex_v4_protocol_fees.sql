-- RV4: protocol fee of every V4 pool equals the manager's own storage at each pinned block.
with

reads as (

    select
        chain_id,
        {{ json_array_item('arguments', 0) }} as entity,
        block_number,
        {{ json_array_item('value', 2) }} as actual_value,
        status = 'ok' as is_ok
    from {{ ref('stg_poolhouse__contract_reads') }}
    where function_name = 'getSlot0'

),

states as (

    select
        chain_id,
        pool_id as entity,
        block_number,
        log_index,
        block_number as known_from_block,
        {{ int_to_text('protocol_fee') }} as expected_value
    from {{ ref('stg_uniswap_v4__pool_manager_protocol_fee_updated') }}

),

{{ reconcile_pool_state(
    'RV4', 'uniswap_v4', '0', mart='stg_uniswap_v4', model='int_dex_v4_pools', pool='pool_id'
) }}

select * from final

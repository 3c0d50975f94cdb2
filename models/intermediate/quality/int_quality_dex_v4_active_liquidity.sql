-- RV2: active liquidity of every V4 pool equals the manager's own storage at each pinned block.
with

reads as (

    select
        chain_id,
        {{ json_array_item('arguments', 0) }} as entity,
        block_number,
        value as actual_value,
        status = 'ok' as is_ok
    from {{ ref('stg_poolhouse__contract_reads') }}
    where function_name = 'getLiquidity'

),

states as (

    select
        chain_id,
        pool_id as entity,
        block_number,
        log_index,
        known_from_block,
        {{ int_to_text('liquidity_active_raw') }} as expected_value
    from {{ ref('int_dex_v4_pool_states') }}

),

{{ reconcile_pool_state(
    'RV2', 'uniswap_v4', '0', mart='stg_uniswap_v4', model='int_dex_v4_pools', pool='pool_id'
) }}

select * from final

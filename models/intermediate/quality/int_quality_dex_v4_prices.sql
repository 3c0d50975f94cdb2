-- RV1: price and tick of every V4 pool equal the manager's own storage at each pinned block.
with

reads as (

    select
        chain_id,
        {{ json_array_item('arguments', 0) }} as entity,
        block_number,
        concat(
            {{ json_array_item('value', 0) }}, ',', {{ json_array_item('value', 1) }}
        ) as actual_value,
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
        known_from_block,
        concat(sqrt_price_x96, ',', {{ int_to_text('tick') }}) as expected_value
    from {{ ref('int_dex_v4_pool_states') }}

),

{{ reconcile_pool_state(
    'RV1', 'uniswap_v4', '0,0', mart='stg_uniswap_v4', model='int_dex_v4_pools', pool='pool_id'
) }}

select * from final

-- RD1: reserves of every V2 pair equal what `getReserves` answers at each pinned block.
with

reads as (

    select
        chain_id,
        contract_address as entity,
        block_number,
        concat(
            {{ json_array_item('value', 0) }}, ',', {{ json_array_item('value', 1) }}
        ) as actual_value,
        status = 'ok' as is_ok
    from {{ ref('stg_poolhouse__contract_reads') }}
    where function_name = 'getReserves' and arguments = '[]'

),

states as (

    select
        chain_id,
        pool_address as entity,
        block_number,
        log_index,
        block_number as known_from_block,
        concat({{ int_to_text('reserve0_raw') }}, ',', {{ int_to_text('reserve1_raw') }})
            as expected_value
    from {{ ref('stg_uniswap_v2__pair_sync') }}

),

{{ reconcile_pool_state('RD1', 'uniswap_v2', '0,0') }}

select * from final

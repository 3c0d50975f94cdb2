-- RD2: price and tick of every V3 pool equal what `slot0` answers at each pinned block.
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
    where function_name = 'slot0' and arguments = '[]'

),

states as (

    select
        chain_id,
        pool_address as entity,
        block_number,
        log_index,
        known_from_block,
        concat(sqrt_price_x96, ',', {{ int_to_text('tick') }}) as expected_value
    from {{ ref('int_dex_v3_pool_states') }}

),

{{ reconcile_pool_state('RD2', 'uniswap_v3', '0,0') }}

select * from final

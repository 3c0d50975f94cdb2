-- RV3: liquidity of every V4 position equals the manager's own storage at each pinned block.
with

reads as (

    select
        chain_id,
        concat(
            {{ json_array_item('arguments', 0) }},
            ' ',
            {{ json_array_item('arguments', 1) }},
            ' ',
            {{ json_array_item('arguments', 2) }},
            ' ',
            {{ json_array_item('arguments', 3) }},
            ' ',
            {{ json_array_item('arguments', 4) }}
        ) as entity,
        block_number,
        value as actual_value,
        status = 'ok' as is_ok
    from {{ ref('stg_poolhouse__contract_reads') }}
    where function_name = 'getPositionLiquidity'

),

states as (

    select
        chain_id,
        position_id as entity,
        block_number,
        log_index,
        known_from_block,
        {{ int_to_text('liquidity_raw') }} as expected_value
    from {{ ref('int_dex_v4_position_states') }}

),

{{ reconcile_pool_state(
    'RV3',
    'uniswap_v4',
    '0',
    mart='stg_uniswap_v4',
    model='int_dex_v4_positions',
    pool='position_id'
) }}

select * from final

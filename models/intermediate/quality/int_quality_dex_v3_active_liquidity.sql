-- RD3: active liquidity of every V3 pool equals what `liquidity` answers at each pinned block.
with

reads as (

    select
        chain_id,
        contract_address as entity,
        block_number,
        value as actual_value,
        status = 'ok' as is_ok
    from {{ ref('stg_poolhouse__contract_reads') }}
    where function_name = 'liquidity' and arguments = '[]'

),

states as (

    select
        chain_id,
        pool_address as entity,
        block_number,
        log_index,
        known_from_block,
        {{ int_to_text('liquidity_active_raw') }} as expected_value
    from {{ ref('int_dex_v3_pool_states') }}

),

{{ reconcile_pool_state('RD3', 'uniswap_v3', '0') }}

select * from final

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

all_pools as (

    select * from {{ ref('int_dex_pools') }}

),

pools as (

    select * from all_pools
    where protocol != 'unknown' and family = 'uniswap_v3'

),

coverage as (

    select * from {{ ref('int_ledger_family_coverage') }}
    where family = 'uniswap_v3'

),

{{ reconcile_pool_state('RD2', 'dex_trades', '0,0') }}

select * from final

{{
    config(
        materialized = 'incremental',
        incremental_strategy = replace_strategy(),
        partition_by = day_partition('block_date'),
        cluster_by = ['chain_id', 'market_address'],
        meta = aave_onward('block_date'),
        pre_hook = "{{ find_dirty_days() }}",
        post_hook = "{{ record_watermark(ref('int_dimension_changes')) }}",
    )
}}
-- getUserAccountData of each liquidated account just before the liquidation.
with

positions as (

    select * from {{ ref('int_lending_aave_v3_liquidation_positions') }}
    where
        (scaled_supply_raw != 0 or scaled_debt_raw != 0)
        and {{ is_dirty_onward('block_date') }}

),

{{ aave_account_data('positions', [
    'chain_id', 'market_address', 'block_number', 'block_date', 'log_index', 'account_address',
]) }}

select * from final

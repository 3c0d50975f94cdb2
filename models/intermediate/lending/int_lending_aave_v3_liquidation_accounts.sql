-- getUserAccountData of each liquidated account just before the liquidation.
with

positions as (

    select * from {{ ref('int_lending_aave_v3_liquidation_positions') }}
    where scaled_supply_raw != 0 or scaled_debt_raw != 0

),

{{ aave_account_data('positions', [
    'chain_id', 'market_address', 'block_number', 'log_index', 'account_address',
]) }}

select * from final

-- getUserAccountData of every account with a position, at every point.
with

positions as (

    select * from {{ ref('int_lending_aave_v3_position_states') }}
    where scaled_supply_raw != 0 or scaled_debt_raw != 0

),

{{ aave_account_data('positions', [
    'chain_id', 'market_address', 'as_of_block', 'as_of_timestamp', 'account_address',
]) }}

select * from final

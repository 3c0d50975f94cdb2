-- A12: in every transaction the pool's actions and the mints and burns of each aToken and debt token say the same.
with

markets as (

    select * from {{ ref('int_lending_aave_v3_markets') }}

),

amounts as (

    select * from {{ ref('int_quality_lending_action_amounts') }}

),

asked as (

    select
        chain_id,
        market_address as entity
    from amounts

),

checked as (

    select
        chain_id,
        market_address as entity,
        block_number,
        cast(null as int64) as log_index,
        {{ dbt.concat([
            'tx_hash', "' '", 'position_token_address', "': '", int_to_text('stated_raw')
        ]) }} as expected_value,
        {{ dbt.concat([
            'tx_hash', "' '", 'position_token_address', "': '", int_to_text('moved_raw')
        ]) }} as actual_value,
        coalesce(stated_raw != moved_raw, true) as is_failed
    from amounts

),

{{ market_check_rows('A12', 'lending_actions', needs_history=false) }}

select * from final

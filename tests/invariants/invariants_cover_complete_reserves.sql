{{ config(meta = {'tested_in_audits': true}) }}

-- Every reserve of a market with complete history that was ever updated was checked by A1, and by A3 on both sides
-- that were ever held.
with

markets as (

    select * from {{ ref('int_lending_aave_v3_markets') }}
    where incomplete_reason is null

),

updated as (

    select distinct
        indexes.chain_id,
        {{ dbt.concat(['indexes.market_address', "' '", 'indexes.token_address']) }} as entity,
        'A1' as invariant_id
    from {{ ref('int_lending_aave_v3_reserve_indexes') }} as indexes
    inner join markets
        on
            indexes.chain_id = markets.chain_id
            and indexes.market_address = markets.market_address
    where indexes.event_name = 'ReserveDataUpdated'

),

held as (

    select distinct
        balances.chain_id,
        {{ dbt.concat(['balances.market_address', "' '", 'balances.position_token_address']) }}
            as entity,
        'A3' as invariant_id
    from {{ ref('int_lending_aave_v3_scaled_balances') }} as balances
    inner join markets
        on
            balances.chain_id = markets.chain_id
            and balances.market_address = markets.market_address

),

due as (

    select * from updated
    union all
    select * from held

),

made as (

    select * from {{ ref('data_invariants') }}
    where invariant_id in ('A1', 'A3') and checked_count > 0

),

final as (

    select due.*
    from due
    left outer join made
        on
            due.chain_id = made.chain_id
            and due.invariant_id = made.invariant_id
            and due.entity = made.entity
    where made.entity is null

)

select * from final

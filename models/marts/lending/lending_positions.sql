with

markets as (

    select * from {{ ref('int_lending_aave_v3_markets') }}

),

reserves as (

    select * from {{ ref('int_lending_aave_v3_reserves') }}

),

states as (

    select * from {{ ref('int_lending_aave_v3_head_positions') }}

),

-- Where the history is incomplete the accounts that acted are named, without balances.
seen as (

    select * from {{ ref('int_lending_aave_v3_account_reserves') }}

),

keys as (

    select chain_id, market_address, account_address, token_address from states
    union distinct
    select seen.chain_id, seen.market_address, seen.account_address, seen.token_address
    from seen
    inner join markets
        on
            seen.chain_id = markets.chain_id
            and seen.market_address = markets.market_address
    where markets.incomplete_reason is not null

),

final as (

    select
        keys.chain_id,
        markets.protocol,
        markets.version,
        markets.market,
        keys.market_address,
        keys.account_address,
        keys.token_address,
        reserves.symbol,
        markets.as_of_block,
        markets.as_of_timestamp,
        states.scaled_supply_raw,
        states.scaled_debt_raw,
        states.supply_raw,
        states.debt_raw,
        {{ to_human('states.supply_raw', 'reserves.decimals') | indent(8) }} as supply,
        {{ to_human('states.debt_raw', 'reserves.decimals') | indent(8) }} as debt,
        {{ aave_base_to_usd(
            'states.supply_base_raw', 'markets.base_currency_unit_raw'
        ) | indent(8) }} as supply_usd,
        {{ aave_base_to_usd('states.debt_base_raw', 'markets.base_currency_unit_raw') | indent(8) }}
            as debt_usd,
        states.is_collateral,
        states.emode_category_id,
        states.scaled_supply_raw != 0 or states.scaled_debt_raw != 0 as is_active,
        markets.incomplete_reason
    from keys
    inner join markets
        on
            keys.chain_id = markets.chain_id
            and keys.market_address = markets.market_address
    left outer join reserves
        on
            keys.chain_id = reserves.chain_id
            and keys.market_address = reserves.market_address
            and keys.token_address = reserves.token_address
    left outer join states
        on
            keys.chain_id = states.chain_id
            and keys.market_address = states.market_address
            and keys.account_address = states.account_address
            and keys.token_address = states.token_address

)

select * from final

-- Reserves of each registered pool. One that was initialised before the loaded range is known by its
-- ReserveDataUpdated alone, without its tokens.
with

markets as (

    select * from {{ ref('int_lending_aave_v3_markets') }}

),

-- A reserve dropped and initialised again keeps its newest tokens.
initialised as (

    select
        markets.chain_id,
        markets.market_address,
        events.token_address,
        events.atoken_address,
        events.variable_debt_token_address,
        events.block_number,
        events.block_timestamp,
        events.log_index,
        min(events.block_timestamp) over (
            partition by markets.chain_id, markets.market_address, events.token_address
        ) as first_timestamp,
        row_number() over (
            partition by markets.chain_id, markets.market_address
            order by events.block_number, events.log_index
        ) - 1 as reserve_number
    from {{ ref('stg_aave_v3__configurator_reserve_initialized') }} as events
    inner join markets
        on
            events.chain_id = markets.chain_id
            and events.configurator_address = markets.configurator_address
    qualify row_number() over (
        partition by markets.chain_id, markets.market_address, events.token_address
        order by events.block_number desc, events.log_index desc
    ) = 1

),

updated as (

    select * from {{ ref('int_lending_aave_v3_reserve_first_updates') }}

),

known as (

    select chain_id, market_address, token_address from initialised
    union distinct
    select updated.chain_id, updated.market_address, updated.token_address
    from updated
    inner join markets
        on
            updated.chain_id = markets.chain_id
            and updated.market_address = markets.market_address

),

tokens as (

    select * from {{ ref('tokens') }}

),

final as (

    select
        known.chain_id,
        known.market_address,
        known.token_address,
        tokens.symbol,
        tokens.decimals,
        {{ pow10('tokens.decimals') }} as token_unit,
        initialised.reserve_number,
        initialised.atoken_address,
        initialised.variable_debt_token_address,
        initialised.block_number as initialised_block,
        initialised.block_timestamp as initialised_timestamp,
        initialised.log_index as initialised_log_index,
        least(
            coalesce(initialised.first_timestamp, updated.first_timestamp),
            coalesce(updated.first_timestamp, initialised.first_timestamp)
        ) as first_event_timestamp
    from known
    left outer join initialised
        on
            known.chain_id = initialised.chain_id
            and known.market_address = initialised.market_address
            and known.token_address = initialised.token_address
    left outer join updated
        on
            known.chain_id = updated.chain_id
            and known.market_address = updated.market_address
            and known.token_address = updated.token_address
    left outer join tokens
        on
            known.chain_id = tokens.chain_id
            and known.token_address = tokens.token_address

)

select * from final

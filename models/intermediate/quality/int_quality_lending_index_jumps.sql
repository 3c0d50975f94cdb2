-- Updates whose liquidity index was raised without time: the last one of the reserve before a flash loan's premium or
-- a BackUnbacked in the same transaction (up to 3.3).
with

indexes as (

    select
        *,
        {{ log_position('block_number', 'log_index') }} as log_position
    from {{ ref('int_lending_aave_v3_reserve_indexes') }}

),

jumps as (

    select chain_id, tx_hash, pool_address as market_address, token_address, log_index
    from {{ ref('stg_aave_v3__pool_flash_loan') }}
    union all
    select
        chain_id, tx_hash, contract_address as market_address,
        {{ json_field('payload', 'reserve') }} as token_address, log_index
    from {{ ref('stg_aave_v3__configuration') }}
    where event_name = 'BackUnbacked'

),

jumped as (

    select
        indexes.chain_id,
        indexes.market_address,
        indexes.token_address,
        jumps.tx_hash,
        max(indexes.log_position) as log_position
    from jumps
    inner join indexes
        on
            jumps.chain_id = indexes.chain_id
            and jumps.tx_hash = indexes.tx_hash
            and jumps.market_address = indexes.market_address
            and jumps.token_address = indexes.token_address
            and jumps.log_index > indexes.log_index
    group by
        indexes.chain_id,
        indexes.market_address,
        indexes.token_address,
        jumps.tx_hash,
        jumps.log_index

),

final as (

    select distinct chain_id, market_address, token_address, log_position from jumped

)

select * from final

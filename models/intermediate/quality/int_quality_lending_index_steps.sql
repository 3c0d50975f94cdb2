-- Invariant A1, one row per ReserveDataUpdated: each index follows from the one before, its rate and the time passed.
-- A flash loan's premium (up to 3.3) and BackUnbacked raise the liquidity index without time: only that it did not
-- fall is required there. Debt accrues only while there is some.
with

indexes as (

    select
        *,
        {{ log_position('block_number', 'log_index') }} as log_position
    from {{ ref('int_lending_aave_v3_reserve_indexes') }}

),

reserves as (

    select * from {{ ref('int_lending_aave_v3_reserves') }}

),

debt_deltas as (

    select
        reserves.chain_id,
        reserves.market_address,
        reserves.token_address,
        {{ log_position('deltas.block_number', 'deltas.log_index') }} as log_position,
        sum(deltas.scaled_delta_raw) as scaled_delta_raw,
        0 as is_update
    from {{ ref('int_lending_aave_v3_scaled_deltas') }} as deltas
    inner join reserves
        on
            deltas.chain_id = reserves.chain_id
            and deltas.position_token_address = reserves.variable_debt_token_address
    group by
        reserves.chain_id,
        reserves.market_address,
        reserves.token_address,
        {{ log_position('deltas.block_number', 'deltas.log_index') }}

),

timeline as (

    select * from debt_deltas
    union all
    select
        chain_id, market_address, token_address, log_position,
        {{ exact_int(0) }} as scaled_delta_raw, 1 as is_update
    from indexes

),

debts as (

    select
        *,
        sum(scaled_delta_raw) over (
            partition by chain_id, market_address, token_address
            order by log_position
            rows between unbounded preceding and current row
        ) as scaled_debt_raw
    from timeline

),

jumps as (

    select * from {{ ref('int_quality_lending_index_jumps') }}

),

final as (

    select
        indexes.chain_id,
        indexes.market_address,
        indexes.token_address,
        indexes.block_number,
        indexes.log_index,
        indexes.log_position,
        lag(indexes.log_position) over (
            partition by indexes.chain_id, indexes.market_address, indexes.token_address
            order by indexes.log_position
        ) as previous_log_position,
        indexes.event_name,
        indexes.block_timestamp,
        indexes.liquidity_rate_raw,
        indexes.variable_borrow_rate_raw,
        indexes.liquidity_index_raw,
        indexes.variable_borrow_index_raw,
        debts.scaled_debt_raw,
        jumps.log_position is not null as has_jump
    from indexes
    inner join debts
        on
            indexes.chain_id = debts.chain_id
            and indexes.market_address = debts.market_address
            and indexes.token_address = debts.token_address
            and indexes.log_position = debts.log_position
            and debts.is_update = 1
    left outer join jumps
        on
            indexes.chain_id = jumps.chain_id
            and indexes.market_address = jumps.market_address
            and indexes.token_address = jumps.token_address
            and indexes.log_position = jumps.log_position

)

select * from final

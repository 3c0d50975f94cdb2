-- Change of active liquidity by the ticks that each swap crossed, from the positions alone: what positions had put
-- at each tick by then. Swaps are matched with the ticks that exist, not with the events at them.
with

states as (

    select * from {{ ref('int_dex_v3_pool_states') }}

),

tick_changes as (

    select
        chain_id,
        pool_address,
        tick_lower as crossed_tick,
        block_number,
        log_index,
        liquidity_delta_raw as net_delta_raw
    from states
    where event_name in ('mint', 'burn') and liquidity_delta_raw != 0
    union all
    select
        chain_id,
        pool_address,
        tick_upper as crossed_tick,
        block_number,
        log_index,
        -liquidity_delta_raw as net_delta_raw
    from states
    where event_name in ('mint', 'burn') and liquidity_delta_raw != 0

),

ticks as (

    select distinct
        chain_id,
        pool_address,
        crossed_tick
    from tick_changes

),

moves as (

    select
        chain_id,
        pool_address,
        block_number,
        log_index,
        tick,
        lag(tick) over (
            partition by chain_id, pool_address
            order by block_number, log_index
        ) as tick_before
    from states
    where event_name in ('initialize', 'swap')

),

-- Upwards a tick is crossed when it is reached, downwards when it is left.
crossings as (

    select
        moves.chain_id,
        moves.pool_address,
        ticks.crossed_tick,
        moves.block_number,
        moves.log_index,
        case when moves.tick > moves.tick_before then 1 else -1 end as direction
    from moves
    inner join ticks
        on
            moves.chain_id = ticks.chain_id
            and moves.pool_address = ticks.pool_address
            and ticks.crossed_tick > least(moves.tick, moves.tick_before)
            and ticks.crossed_tick <= greatest(moves.tick, moves.tick_before)
    where moves.tick != moves.tick_before

),

timeline as (

    select
        chain_id,
        pool_address,
        crossed_tick,
        block_number,
        log_index,
        net_delta_raw,
        0 as direction
    from tick_changes
    union all
    select
        chain_id,
        pool_address,
        crossed_tick,
        block_number,
        log_index,
        {{ exact_int('0') }} as net_delta_raw,
        direction
    from crossings

),

netted as (

    select
        chain_id,
        pool_address,
        crossed_tick,
        block_number,
        log_index,
        direction,
        sum(net_delta_raw) over (
            partition by chain_id, pool_address, crossed_tick
            order by block_number, log_index
            rows between unbounded preceding and current row
        ) as liquidity_net_raw
    from timeline

),

final as (

    select
        chain_id,
        pool_address,
        block_number,
        log_index,
        count(*) as crossed_tick_count,
        sum(direction * liquidity_net_raw) as crossed_delta_raw
    from netted
    where direction != 0
    group by chain_id, pool_address, block_number, log_index

)

select * from final

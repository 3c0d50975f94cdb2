{#- CTEs that end in `final`: per swap the change of active liquidity by the ticks it crossed. Expects the CTE `states`,
    as concentrated_pool_states makes them; `pool` is the column that identifies a pool. -#}
{% macro tick_crossings(pool) -%}
tick_changes as (

    select
        chain_id,
        {{ pool }},
        tick_lower as crossed_tick,
        block_number,
        log_index,
        liquidity_delta_raw as net_delta_raw
    from states
    where event_name not in ('initialize', 'swap') and liquidity_delta_raw != 0
    union all
    select
        chain_id,
        {{ pool }},
        tick_upper as crossed_tick,
        block_number,
        log_index,
        -liquidity_delta_raw as net_delta_raw
    from states
    where event_name not in ('initialize', 'swap') and liquidity_delta_raw != 0

),

ticks as (

    select distinct
        chain_id,
        {{ pool }},
        crossed_tick
    from tick_changes

),

moves as (

    select
        chain_id,
        {{ pool }},
        block_number,
        log_index,
        tick,
        lag(tick) over (
            partition by chain_id, {{ pool }}
            order by block_number, log_index
        ) as tick_before
    from states
    where event_name in ('initialize', 'swap')

),

-- Upwards a tick is crossed when it is reached, downwards when it is left.
crossings as (

    select
        moves.chain_id,
        moves.{{ pool }},
        ticks.crossed_tick,
        moves.block_number,
        moves.log_index,
        case when moves.tick > moves.tick_before then 1 else -1 end as direction
    from moves
    inner join ticks
        on
            moves.chain_id = ticks.chain_id
            and moves.{{ pool }} = ticks.{{ pool }}
            and ticks.crossed_tick > least(moves.tick, moves.tick_before)
            and ticks.crossed_tick <= greatest(moves.tick, moves.tick_before)
    where moves.tick != moves.tick_before

),

timeline as (

    select
        chain_id,
        {{ pool }},
        crossed_tick,
        block_number,
        log_index,
        net_delta_raw,
        0 as direction
    from tick_changes
    union all
    select
        chain_id,
        {{ pool }},
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
        {{ pool }},
        crossed_tick,
        block_number,
        log_index,
        direction,
        sum(net_delta_raw) over (
            partition by chain_id, {{ pool }}, crossed_tick
            order by block_number, log_index
            rows between unbounded preceding and current row
        ) as liquidity_net_raw
    from timeline

),

final as (

    select
        chain_id,
        {{ pool }},
        block_number,
        log_index,
        count(*) as crossed_tick_count,
        sum(direction * liquidity_net_raw) as crossed_delta_raw
    from netted
    where direction != 0
    group by chain_id, {{ pool }}, block_number, log_index

)
{%- endmacro %}

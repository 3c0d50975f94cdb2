{#- CTEs that end in `final`: price, tick and active liquidity of pools with ticks after each of their events. Expects
    the CTEs `pools` and `events`, the latter in the shape of int_dex_v3_pool_events; `pool` is the column that
    identifies a pool in both. -#}
{% macro concentrated_pool_states(pool) -%}
carried as (

    select
        events.chain_id,
        events.{{ pool }},
        events.block_number,
        events.log_index,
        events.event_name,
        events.tick_lower,
        events.tick_upper,
        events.liquidity_delta_raw,
        events.stated_liquidity_raw,
        last_value(events.sqrt_price_x96 ignore nulls) over (
            partition by events.chain_id, events.{{ pool }}
            order by events.block_number, events.log_index
            rows between unbounded preceding and current row
        ) as sqrt_price_x96,
        last_value(events.tick ignore nulls) over (
            partition by events.chain_id, events.{{ pool }}
            order by events.block_number, events.log_index
            rows between unbounded preceding and current row
        ) as tick,
        sum(case when events.event_name in ('initialize', 'swap') then 1 else 0 end) over (
            partition by events.chain_id, events.{{ pool }}
            order by events.block_number, events.log_index
            rows between unbounded preceding and current row
        ) as price_number
    from events
    inner join pools
        on
            events.chain_id = pools.chain_id
            and events.{{ pool }} = pools.{{ pool }}

),

ranged as (

    select
        *,
        case
            when event_name in ('initialize', 'swap') then {{ exact_int('0') }}
            when tick is null then null
            when tick >= tick_lower and tick < tick_upper then liquidity_delta_raw
            else {{ exact_int('0') }}
        end as in_range_delta_raw
    from carried

),

final as (

    select
        chain_id,
        {{ pool }},
        block_number,
        log_index,
        event_name,
        tick_lower,
        tick_upper,
        liquidity_delta_raw,
        in_range_delta_raw,
        sqrt_price_x96,
        tick,
        stated_liquidity_raw,
        case
            when price_number > 0
                then
                    first_value(block_number) over (
                        partition by chain_id, {{ pool }}, price_number
                        order by block_number, log_index
                        rows between unbounded preceding and current row
                    )
        end as known_from_block,
        case
            when price_number > 0
                then
                    first_value(stated_liquidity_raw) over (
                        partition by chain_id, {{ pool }}, price_number
                        order by block_number, log_index
                        rows between unbounded preceding and current row
                    ) + sum(in_range_delta_raw) over (
                        partition by chain_id, {{ pool }}, price_number
                        order by block_number, log_index
                        rows between unbounded preceding and current row
                    )
        end as liquidity_active_raw
    from ranged

)
{%- endmacro %}

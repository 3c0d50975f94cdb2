-- Price, tick and active liquidity of every proven V3 pool after each of its events. Liquidity is what the last
-- swap stated plus what positions in range changed since, so it needs no history before that swap.
with

pools as (

    select * from {{ ref('int_dex_pools') }}
    where protocol != 'unknown' and family = 'uniswap_v3'

),

events as (

    select * from {{ ref('int_dex_v3_pool_events') }}

),

carried as (

    select
        events.chain_id,
        events.pool_address,
        events.block_number,
        events.log_index,
        events.event_name,
        events.tick_lower,
        events.tick_upper,
        events.liquidity_delta_raw,
        events.stated_liquidity_raw,
        last_value(events.sqrt_price_x96 ignore nulls) over (
            partition by events.chain_id, events.pool_address
            order by events.block_number, events.log_index
            rows between unbounded preceding and current row
        ) as sqrt_price_x96,
        last_value(events.tick ignore nulls) over (
            partition by events.chain_id, events.pool_address
            order by events.block_number, events.log_index
            rows between unbounded preceding and current row
        ) as tick,
        sum(case when events.event_name in ('initialize', 'swap') then 1 else 0 end) over (
            partition by events.chain_id, events.pool_address
            order by events.block_number, events.log_index
            rows between unbounded preceding and current row
        ) as price_number
    from events
    inner join pools
        on
            events.chain_id = pools.chain_id
            and events.pool_address = pools.pool_address

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
        pool_address,
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
                        partition by chain_id, pool_address, price_number
                        order by block_number, log_index
                        rows between unbounded preceding and current row
                    )
        end as known_from_block,
        case
            when price_number > 0
                then
                    first_value(stated_liquidity_raw) over (
                        partition by chain_id, pool_address, price_number
                        order by block_number, log_index
                        rows between unbounded preceding and current row
                    ) + sum(in_range_delta_raw) over (
                        partition by chain_id, pool_address, price_number
                        order by block_number, log_index
                        rows between unbounded preceding and current row
                    )
        end as liquidity_active_raw
    from ranged

)

select * from final

-- D4: every V3 position lies on its pool's tick spacing and never holds less than nothing; between any two ticks the
-- positions leave no negative liquidity, and above the highest tick none.
with

pools as (

    select * from {{ ref('int_dex_pools') }}
    where protocol != 'unknown' and family = 'uniswap_v3'

),

changes as (

    select
        changes.*,
        pools.tick_spacing
    from {{ ref('int_dex_v3_position_changes') }} as changes
    inner join pools
        on
            changes.chain_id = pools.chain_id
            and changes.pool_address = pools.pool_address
            and changes.block_number <= pools.head_block

),

held as (

    select
        *,
        sum(liquidity_delta_raw) over (
            partition by chain_id, pool_address, owner, tick_lower, tick_upper
            order by block_number, log_index
            rows between unbounded preceding and current row
        ) as liquidity_raw
    from changes

),

ends as (

    select chain_id, pool_address, block_number, tick_lower as tick, liquidity_delta_raw
    from changes
    union all
    select
        chain_id, pool_address, block_number, tick_upper as tick,
        -liquidity_delta_raw as liquidity_delta_raw
    from changes

),

ticks as (

    select
        chain_id,
        pool_address,
        tick,
        max(block_number) as block_number,
        {{ sum_of_all('liquidity_delta_raw') }} as liquidity_net_raw
    from ends
    group by chain_id, pool_address, tick

),

segments as (

    select
        *,
        sum(liquidity_net_raw) over (
            partition by chain_id, pool_address
            order by tick
            rows between unbounded preceding and current row
        ) as liquidity_raw,
        lead(tick) over (partition by chain_id, pool_address order by tick) as next_tick
    from ticks

),

checked as (

    select
        chain_id,
        pool_address as entity,
        block_number,
        log_index,
        concat('ticks on ', {{ int_to_text('tick_spacing') }}, ', liquidity >= 0')
            as expected_value,
        concat(
            {{ int_to_text('tick_lower') }}, ' to ', {{ int_to_text('tick_upper') }}, ', ',
            {{ int_to_text('liquidity_raw') }}
        ) as actual_value,
        not coalesce(
            tick_lower < tick_upper
            and mod(tick_lower, tick_spacing) = 0
            and mod(tick_upper, tick_spacing) = 0
            and liquidity_raw >= 0,
            false
        ) as is_failed
    from held
    union all
    select
        chain_id,
        pool_address as entity,
        block_number,
        tick as log_index,
        case when next_tick is null then '0' else '>= 0' end as expected_value,
        concat({{ int_to_text('liquidity_raw') }}, ' from tick ', {{ int_to_text('tick') }})
            as actual_value,
        not coalesce(
            liquidity_raw >= 0 and (next_tick is not null or liquidity_raw = 0), false
        ) as is_failed
    from segments

),

{{ pool_check_rows('D4', 'dex_trades') }}

select * from final

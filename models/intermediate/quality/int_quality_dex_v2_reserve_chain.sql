-- D1: each Sync is the one before it, changed by the Mint, Burn or Swap that follows it in the same call, and each
-- of those follows a Sync. A Sync on its own (sync, skim, a rebasing token) is listed, not failed, unless one reserve
-- rises in it while the other falls: that is an exchange, and its Swap is missing. Listed, too, is a Burn
-- that leaves more than it should: tokens sent to the pair without a Sync surface there.
with

changes as (

    select * from {{ ref('int_dex_v2_reserve_changes') }}

),

pools as (

    select * from {{ ref('int_dex_pools') }}
    where protocol != 'unknown' and family = 'uniswap_v2'

),

checked as (

    select
        chain_id,
        pool_address as entity,
        block_number,
        log_index,
        case
            when change_kind = 'missing_swap' then 'a Swap'
            else concat({{ int_to_text('expected0_raw') }}, ',', {{ int_to_text('expected1_raw') }})
        end as expected_value,
        concat({{ int_to_text('reserve0_raw') }}, ',', {{ int_to_text('reserve1_raw') }})
            as actual_value,
        change_kind in ('mismatch', 'missing_sync', 'missing_swap') as is_failed
    from changes

),

{{ pool_check_rows('D1', 'dex_trades') }}

select * from final

-- D8: what each swap says it moved is what the transfers of its tokens moved. Needs the transfers of every block since
-- the pool's creation. Tokens that nobody registered may keep other books than ERC-20: where theirs differ, they are
-- left out.
with

swap_transfers as (

    select * from {{ ref('int_dex_swap_transfers') }}

),

coverage as (

    select * from {{ ref('int_ledger_family_coverage') }}
    where family = 'erc20'

),

pools as (

    select
        pools.chain_id,
        pools.pool_address,
        pools.is_history_complete and coverage.family is not null as is_history_complete,
        least(pools.head_block, coalesce(coverage.to_block, pools.head_block)) as head_block
    from {{ ref('int_dex_pools') }} as pools
    left outer join coverage
        on
            pools.chain_id = coverage.chain_id
            and pools.created_block between coverage.from_block and coverage.to_block
    where pools.protocol != 'unknown'

),

checked as (

    select
        chain_id,
        pool_address as entity,
        block_number,
        log_index,
        concat(token_address, ' ', coalesce({{ int_to_text('amount_raw') }}, 'unknown'))
            as expected_value,
        concat(token_address, ' ', coalesce({{ int_to_text('transferred_raw') }}, 'unknown'))
            as actual_value,
        match_kind = 'mismatch' as is_failed
    from swap_transfers
    where match_kind in ('exact', 'mismatch')

),

{{ pool_check_rows('D8', 'dex_trades') }}

select * from final

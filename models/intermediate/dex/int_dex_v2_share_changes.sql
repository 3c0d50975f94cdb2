{{ config(materialized = 'audit') }}

-- Every mint and burn of liquidity in a proven V2 pair beside the transfer of its shares, for pairs whose transfers are
-- loaded since they were created. A pair mints shares two logs before its Mint (the Sync is between them) and burns
-- them before it pays out.
with

pools as (

    select * from {{ ref('dex_pools') }}
    where protocol != 'unknown' and family = 'uniswap_v2'

),

coverage as (

    select * from {{ ref('int_ledger_family_coverage') }}
    where family = 'erc20'

),

transfers as (

    select * from {{ ref('int_dex_v2_share_transfers') }}

),

changes as (

    select * from {{ ref('int_dex_v2_reserve_changes') }}
    where change_kind in ('explained', 'unsynced_donation')

),

actions as (

    select
        chain_id, pool_address, block_number, tx_hash, log_index,
        'mint' as action, amount0_raw, amount1_raw
    from {{ ref('stg_uniswap_v2__pair_mint') }}
    union all
    select
        chain_id, pool_address, block_number, tx_hash, log_index,
        'burn' as action, amount0_raw, amount1_raw
    from {{ ref('stg_uniswap_v2__pair_burn') }}

),

supplied as (

    select
        *,
        coalesce(
            sum(
                case transfer_kind when 'mint' then amount_raw when 'burn' then -amount_raw end
            ) over (
                partition by chain_id, pool_address
                order by block_number, log_index
                rows between unbounded preceding and 1 preceding
            ),
            {{ exact_int('0') }}
        ) as supply_before_raw,
        coalesce(
            lag(to_address) over (
                partition by chain_id, pool_address, tx_hash
                order by log_index
            ) = {{ zero_address() }}
            and lag(transfer_kind) over (
                partition by chain_id, pool_address, tx_hash
                order by log_index
            ) = 'mint',
            false
        ) as is_after_mint_to_nobody
    from transfers

),

covered as (

    select
        actions.*,
        changes.expected0_raw,
        changes.expected1_raw,
        changes.reserve0_raw,
        changes.reserve1_raw
    from actions
    inner join pools
        on
            actions.chain_id = pools.chain_id
            and actions.pool_address = pools.pool_address
    inner join coverage
        on
            pools.chain_id = coverage.chain_id
            and pools.created_block >= coverage.from_block
            and actions.block_number <= coverage.to_block
    inner join changes
        on
            actions.chain_id = changes.chain_id
            and actions.pool_address = changes.pool_address
            and actions.block_number = changes.block_number
            and actions.log_index = changes.log_index + 1

),

final as (

    select
        covered.chain_id,
        covered.pool_address,
        covered.block_number,
        covered.log_index,
        case
            when covered.action = 'mint' and supplied.supply_before_raw = 0 then 'migration'
            when covered.action = 'mint' and supplied.is_after_mint_to_nobody then 'first_mint'
            else covered.action
        end as action,
        supplied.amount_raw as shares_raw,
        supplied.supply_before_raw,
        covered.amount0_raw,
        covered.amount1_raw,
        case covered.action
            when 'mint' then covered.expected0_raw - covered.amount0_raw
            else covered.reserve0_raw + covered.amount0_raw
        end as balance0_raw,
        case covered.action
            when 'mint' then covered.expected1_raw - covered.amount1_raw
            else covered.reserve1_raw + covered.amount1_raw
        end as balance1_raw
    from covered
    left outer join supplied
        on
            covered.chain_id = supplied.chain_id
            and covered.pool_address = supplied.pool_address
            and covered.tx_hash = supplied.tx_hash
            and covered.action = supplied.transfer_kind
            and covered.log_index > supplied.log_index
    qualify row_number() over (
        partition by covered.chain_id, covered.block_number, covered.log_index
        order by supplied.log_index desc
    ) = 1

)

select * from final

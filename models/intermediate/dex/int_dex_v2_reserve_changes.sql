{{ config(materialized = 'audit') }}

-- Every change of a proven pair's reserves with the action that explains it: a pair logs Sync, then the action.
with

pools as (

    select * from {{ ref('dex_pools') }}
    where protocol != 'unknown' and family = 'uniswap_v2'

),

syncs as (

    select * from {{ ref('stg_uniswap_v2__pair_sync') }}

),

mints as (

    select * from {{ ref('stg_uniswap_v2__pair_mint') }}

),

burns as (

    select * from {{ ref('stg_uniswap_v2__pair_burn') }}

),

swaps as (

    select * from {{ ref('int_dex_v2_swaps') }}

),

actions as (

    select
        chain_id,
        pool_address,
        block_number,
        log_index,
        'mint' as action,
        amount0_raw as delta0_raw,
        amount1_raw as delta1_raw
    from mints
    union all
    select
        chain_id,
        pool_address,
        block_number,
        log_index,
        'burn' as action,
        -amount0_raw as delta0_raw,
        -amount1_raw as delta1_raw
    from burns
    union all
    select
        chain_id,
        pool_address,
        block_number,
        log_index,
        'swap' as action,
        amount0_raw as delta0_raw,
        amount1_raw as delta1_raw
    from swaps

),

sequenced as (

    select
        syncs.chain_id,
        syncs.pool_address,
        syncs.block_number,
        syncs.log_index,
        syncs.reserve0_raw,
        syncs.reserve1_raw,
        lag(syncs.reserve0_raw, 1, {{ exact_int('0') }}) over (
            partition by syncs.chain_id, syncs.pool_address
            order by syncs.block_number, syncs.log_index
        ) as previous0_raw,
        lag(syncs.reserve1_raw, 1, {{ exact_int('0') }}) over (
            partition by syncs.chain_id, syncs.pool_address
            order by syncs.block_number, syncs.log_index
        ) as previous1_raw
    from syncs

),

matched as (

    select
        coalesce(sequenced.chain_id, actions.chain_id) as chain_id,
        coalesce(sequenced.pool_address, actions.pool_address) as pool_address,
        coalesce(sequenced.block_number, actions.block_number) as block_number,
        coalesce(sequenced.log_index, actions.log_index) as log_index,
        sequenced.log_index is not null as has_sync,
        actions.action,
        sequenced.reserve0_raw,
        sequenced.reserve1_raw,
        sequenced.previous0_raw,
        sequenced.previous1_raw,
        sequenced.previous0_raw + actions.delta0_raw as expected0_raw,
        sequenced.previous1_raw + actions.delta1_raw as expected1_raw
    from sequenced
    full outer join actions
        on
            sequenced.chain_id = actions.chain_id
            and sequenced.pool_address = actions.pool_address
            and sequenced.block_number = actions.block_number
            and sequenced.log_index + 1 = actions.log_index

),

final as (

    select
        matched.chain_id,
        matched.pool_address,
        matched.block_number,
        matched.log_index,
        matched.action,
        matched.reserve0_raw,
        matched.reserve1_raw,
        matched.expected0_raw,
        matched.expected1_raw,
        case
            when not matched.has_sync then 'missing_sync'
            when
                matched.action is null
                and (
                    (
                        matched.reserve0_raw > matched.previous0_raw
                        and matched.reserve1_raw < matched.previous1_raw
                    )
                    or (
                        matched.reserve0_raw < matched.previous0_raw
                        and matched.reserve1_raw > matched.previous1_raw
                    )
                )
                then 'missing_swap'
            when matched.action is null then 'orphan_sync'
            when
                matched.reserve0_raw = matched.expected0_raw
                and matched.reserve1_raw = matched.expected1_raw
                then 'explained'
            when
                matched.action = 'burn'
                and matched.reserve0_raw >= matched.expected0_raw
                and matched.reserve1_raw >= matched.expected1_raw
                then 'unsynced_donation'
            else 'mismatch'
        end as change_kind
    from matched
    inner join pools
        on
            matched.chain_id = pools.chain_id
            and matched.pool_address = pools.pool_address

)

select * from final

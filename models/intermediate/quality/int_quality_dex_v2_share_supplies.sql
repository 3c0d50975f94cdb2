-- RD6: minted less burned shares of every V2 pair equal what `totalSupply` answers at each pinned block.
with

pools as (

    select * from {{ ref('dex_pools') }}
    where protocol != 'unknown' and family = 'uniswap_v2'

),

transfers as (

    select * from {{ ref('int_dex_v2_share_transfers') }}

),

reads as (

    select * from {{ ref('stg_poolhouse__contract_reads') }}
    where function_name = 'totalSupply' and arguments = '[]'

),

pinned_blocks as (

    select distinct
        reads.chain_id,
        reads.block_number as as_of_block
    from reads
    inner join pools
        on
            reads.chain_id = pools.chain_id
            and reads.contract_address = pools.pool_address

),

deltas as (

    select
        chain_id,
        pool_address,
        block_number,
        case when transfer_kind = 'mint' then amount_raw else -amount_raw end as supply_delta_raw
    from transfers
    where transfer_kind in ('mint', 'burn')

),

supplies as (

    select
        pinned_blocks.chain_id,
        pinned_blocks.as_of_block,
        deltas.pool_address,
        {{ int_to_text(sum_of_all('deltas.supply_delta_raw')) }} as supply
    from pinned_blocks
    inner join deltas
        on
            pinned_blocks.chain_id = deltas.chain_id
            and pinned_blocks.as_of_block >= deltas.block_number
    group by pinned_blocks.chain_id, pinned_blocks.as_of_block, deltas.pool_address

),

compared as (

    select
        pools.chain_id,
        pools.pool_address as entity,
        pinned_blocks.as_of_block,
        'supply' as detail,
        case when supplies.pool_address is null then '0' else supplies.supply end as expected_value,
        case when reads.status = 'ok' then reads.value end as actual_value,
        reads.contract_address is not null as is_asked,
        true as needs_transfers
    from pools
    inner join pinned_blocks
        on
            pools.chain_id = pinned_blocks.chain_id
            and pools.created_block <= pinned_blocks.as_of_block
    left outer join supplies
        on
            pools.chain_id = supplies.chain_id
            and pools.pool_address = supplies.pool_address
            and pinned_blocks.as_of_block = supplies.as_of_block
    left outer join reads
        on
            pools.chain_id = reads.chain_id
            and pools.pool_address = reads.contract_address
            and pinned_blocks.as_of_block = reads.block_number

),

{{ reconcile_pool_parts('RD6', 'uniswap_v2', 'dex_pools') }}

select * from final

-- RD7: shares of every holder in every V2 pair equal what `balanceOf` answers at each pinned block. A holder that was
-- not read where others of its pair were must hold nothing.
with

pools as (

    select * from {{ ref('dex_pools') }}
    where protocol != 'unknown' and family = 'uniswap_v2'

),

transfers as (

    select * from {{ ref('int_dex_v2_share_transfers') }}

),

contract_reads as (

    select * from {{ ref('stg_poolhouse__contract_reads') }}

),

reads as (

    select
        contract_reads.chain_id,
        contract_reads.block_number as as_of_block,
        contract_reads.contract_address as pool_address,
        {{ json_array_item('contract_reads.arguments', 0) }} as account_address,
        case when contract_reads.status = 'ok' then contract_reads.value end as balance
    from contract_reads
    inner join pools
        on
            contract_reads.chain_id = pools.chain_id
            and contract_reads.contract_address = pools.pool_address
    where contract_reads.function_name = 'balanceOf'

),

-- Where a pair's supply was read, its holders are due.
pinned as (

    select distinct
        contract_reads.chain_id,
        contract_reads.block_number as as_of_block,
        contract_reads.contract_address as pool_address
    from contract_reads
    inner join pools
        on
            contract_reads.chain_id = pools.chain_id
            and contract_reads.contract_address = pools.pool_address
    where contract_reads.function_name = 'totalSupply'

),

asked as (

    select distinct
        chain_id,
        as_of_block,
        pool_address
    from reads

),

deltas as (

    select
        chain_id,
        pool_address,
        block_number,
        to_address as account_address,
        amount_raw as balance_delta_raw
    from transfers
    where transfer_kind != 'burn'
    union all
    select
        chain_id,
        pool_address,
        block_number,
        from_address as account_address,
        -amount_raw as balance_delta_raw
    from transfers
    where transfer_kind != 'mint'

),

balances as (

    select
        pinned.chain_id,
        pinned.as_of_block,
        pinned.pool_address,
        deltas.account_address,
        {{ int_to_text(sum_of_all('deltas.balance_delta_raw')) }} as balance
    from pinned
    inner join deltas
        on
            pinned.chain_id = deltas.chain_id
            and pinned.pool_address = deltas.pool_address
            and pinned.as_of_block >= deltas.block_number
    group by pinned.chain_id, pinned.as_of_block, pinned.pool_address, deltas.account_address

),

paired as (

    select
        coalesce(balances.chain_id, reads.chain_id) as chain_id,
        coalesce(balances.pool_address, reads.pool_address) as entity,
        coalesce(balances.as_of_block, reads.as_of_block) as as_of_block,
        coalesce(balances.account_address, reads.account_address) as detail,
        case when balances.pool_address is null then '0' else balances.balance end
            as expected_value,
        case
            when reads.pool_address is null and balances.balance = '0' then '0'
            else reads.balance
        end as actual_value
    from balances
    full outer join reads
        on
            balances.chain_id = reads.chain_id
            and balances.as_of_block = reads.as_of_block
            and balances.pool_address = reads.pool_address
            and balances.account_address = reads.account_address

),

compared as (

    select
        paired.*,
        asked.pool_address is not null as is_asked,
        true as needs_transfers
    from paired
    left outer join asked
        on
            paired.chain_id = asked.chain_id
            and paired.entity = asked.pool_address
            and paired.as_of_block = asked.as_of_block
    union all
    -- A pair without a holder is a row too: without transfers it says that nothing is known.
    select
        pinned.chain_id,
        pinned.pool_address as entity,
        pinned.as_of_block,
        'holders' as detail,
        '0' as expected_value,
        '0' as actual_value,
        true as is_asked,
        true as needs_transfers
    from pinned
    left outer join paired
        on
            pinned.chain_id = paired.chain_id
            and pinned.pool_address = paired.entity
            and pinned.as_of_block = paired.as_of_block
    where paired.entity is null

),

{{ reconcile_pool_parts('RD7', 'uniswap_v2', 'dex_pools') }}

select * from final

-- RD4: both token balances of every V3 pool, rebuilt from its events, equal what `balanceOf` answers at each pinned
-- block. Tokens sent to a pool outside its events explain a surplus where their transfers are loaded.
with

pools as (

    select * from {{ ref('dex_pools') }}
    where protocol != 'unknown' and family = 'uniswap_v3'

),

flows as (

    select * from {{ ref('int_dex_v3_token_flows') }}

),

donations as (

    select * from {{ ref('int_dex_v3_donations') }}

),

contract_reads as (

    select * from {{ ref('stg_poolhouse__contract_reads') }}
    where function_name = 'balanceOf'

),

pool_tokens as (

    select chain_id, pool_address, created_block, token0 as token_address from pools
    union all
    select chain_id, pool_address, created_block, token1 as token_address from pools

),

reads as (

    select
        pool_tokens.chain_id,
        pool_tokens.pool_address,
        pool_tokens.token_address,
        contract_reads.block_number as as_of_block,
        case when contract_reads.status = 'ok' then contract_reads.value end as balance
    from contract_reads
    inner join pool_tokens
        on
            contract_reads.chain_id = pool_tokens.chain_id
            and contract_reads.contract_address = pool_tokens.token_address
            and {{ json_array_item('contract_reads.arguments', 0) }} = pool_tokens.pool_address

),

pinned_blocks as (

    select distinct
        chain_id,
        as_of_block
    from reads

),

changes as (

    {% for position in [0, 1] -%}
    select
        pools.chain_id,
        pools.pool_address,
        pools.token{{ position }} as token_address,
        flows.block_number,
        flows.amount{{ position }}_raw as amount_raw
    from pools
    inner join flows
        on
            pools.chain_id = flows.chain_id
            and pools.pool_address = flows.pool_address
    union all
    {% endfor -%}
    select
        chain_id,
        pool_address,
        token_address,
        block_number,
        amount_raw
    from donations

),

rebuilt as (

    select
        pinned_blocks.chain_id,
        pinned_blocks.as_of_block,
        changes.pool_address,
        changes.token_address,
        {{ sum_of_all('changes.amount_raw') }} as balance_raw
    from pinned_blocks
    inner join changes
        on
            pinned_blocks.chain_id = changes.chain_id
            and pinned_blocks.as_of_block >= changes.block_number
    group by
        pinned_blocks.chain_id,
        pinned_blocks.as_of_block,
        changes.pool_address,
        changes.token_address

),

expected as (

    select
        pool_tokens.chain_id,
        pool_tokens.pool_address,
        pool_tokens.token_address,
        pinned_blocks.as_of_block,
        case
            when rebuilt.pool_address is null then {{ exact_int('0') }}
            else rebuilt.balance_raw
        end as balance_raw
    from pool_tokens
    inner join pinned_blocks
        on
            pool_tokens.chain_id = pinned_blocks.chain_id
            and pool_tokens.created_block <= pinned_blocks.as_of_block
    left outer join rebuilt
        on
            pool_tokens.chain_id = rebuilt.chain_id
            and pool_tokens.pool_address = rebuilt.pool_address
            and pool_tokens.token_address = rebuilt.token_address
            and pinned_blocks.as_of_block = rebuilt.as_of_block

),

-- Without transfers a surplus may be a donation, a deficit is always an error.
compared as (

    select
        expected.chain_id,
        expected.pool_address as entity,
        expected.as_of_block,
        expected.token_address as detail,
        {{ int_to_text('expected.balance_raw') }} as expected_value,
        reads.balance as actual_value,
        reads.pool_address is not null as is_asked,
        coalesce({{ to_exact_int('reads.balance') }} > expected.balance_raw, false)
            as needs_transfers
    from expected
    left outer join reads
        on
            expected.chain_id = reads.chain_id
            and expected.pool_address = reads.pool_address
            and expected.token_address = reads.token_address
            and expected.as_of_block = reads.as_of_block

),

{{ reconcile_pool_parts('RD4', 'uniswap_v3', 'dex_trades') }}

select * from final

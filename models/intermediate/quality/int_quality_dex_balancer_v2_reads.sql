-- What the vaults said of each pool at the pinned blocks, one row per token.
with

vaults as (

    select * from {{ ref('int_ledger_contract_histories') }}
    where family = 'balancer_v2' and role = 'vault'

),

reads as (

    select
        contract_reads.chain_id,
        contract_reads.contract_address as vault_address,
        contract_reads.block_number,
        {{ json_array_item('contract_reads.arguments', 0) }} as pool_id,
        contract_reads.value
    from {{ ref('stg_poolhouse__contract_reads') }} as contract_reads
    inner join vaults
        on
            contract_reads.chain_id = vaults.chain_id
            and contract_reads.contract_address = vaults.contract_address
    where contract_reads.function_name = 'getPoolTokens'

),

-- The answer is one list: the tokens, as many balances, the block of the last change.
tokens as (

    select
        reads.chain_id,
        reads.vault_address,
        reads.block_number,
        reads.pool_id,
        reads.value,
        items.item as token_address,
        items.item_index,
        count(*) over (
            partition by reads.chain_id, reads.vault_address, reads.block_number, reads.pool_id
        ) as token_count
    from reads
    cross join {{ unnest_json_array('reads.value') | indent(4) }}
    where items.item like '0x%'

),

final as (

    select
        reads.chain_id,
        reads.vault_address,
        reads.block_number,
        reads.pool_id,
        coalesce(tokens.token_address, 'no answer') as token_address,
        {{ json_array_at('tokens.value', '(tokens.item_index + tokens.token_count)') }} as balance
    from reads
    left outer join tokens
        on
            reads.chain_id = tokens.chain_id
            and reads.vault_address = tokens.vault_address
            and reads.block_number = tokens.block_number
            and reads.pool_id = tokens.pool_id

)

select * from final

-- RB1: at each pinned block every pool has the tokens and balances that the vault stated.
with

vaults as (

    select * from {{ ref('int_ledger_contract_histories') }}
    where family = 'balancer_v2' and role = 'vault'

),

reads as (

    select * from {{ ref('int_quality_dex_balancer_v2_reads') }}

),

pool_tokens as (

    select * from {{ ref('int_dex_balancer_v2_pool_tokens') }}

),

changes as (

    select * from {{ ref('int_dex_balancer_v2_balance_changes') }}

),

pinned_blocks as (

    select distinct chain_id, vault_address, block_number from reads

),

modelled as (

    select
        pinned_blocks.chain_id,
        pinned_blocks.vault_address,
        pinned_blocks.block_number,
        pool_tokens.pool_id,
        pool_tokens.token_address,
        case
            when count(changes.log_index) = 0 then {{ exact_int('0') }}
            else {{ sum_of_all('changes.delta_raw') | indent(12) }}
        end as balance_raw
    from pinned_blocks
    inner join pool_tokens
        on
            pinned_blocks.chain_id = pool_tokens.chain_id
            and pinned_blocks.vault_address = pool_tokens.vault_address
            and pinned_blocks.block_number >= pool_tokens.created_block
    left outer join changes
        on
            pool_tokens.chain_id = changes.chain_id
            and pool_tokens.vault_address = changes.vault_address
            and pool_tokens.pool_id = changes.pool_id
            and pool_tokens.token_address = changes.token_address
            and pinned_blocks.block_number >= changes.block_number
    group by
        pinned_blocks.chain_id,
        pinned_blocks.vault_address,
        pinned_blocks.block_number,
        pool_tokens.pool_id,
        pool_tokens.token_address

),

judged as (

    select
        'RB1' as invariant_id,
        'stg_balancer_v2' as mart,
        vaults.chain_id,
        coalesce(reads.pool_id, modelled.pool_id) as entity,
        coalesce(reads.block_number, modelled.block_number) as block_number,
        coalesce(reads.token_address, modelled.token_address) as detail,
        reads.balance as read_value,
        {{ int_to_text('modelled.balance_raw') }} as modelled_value,
        case
            when
                vaults.history_to_block is null
                or coalesce(reads.block_number, modelled.block_number) > vaults.history_to_block
                then 'incomplete'
            when reads.balance = {{ int_to_text('modelled.balance_raw') }} then 'ok'
            else 'failed'
        end as status
    from reads
    full outer join modelled
        on
            reads.chain_id = modelled.chain_id
            and reads.vault_address = modelled.vault_address
            and reads.block_number = modelled.block_number
            and reads.pool_id = modelled.pool_id
            and reads.token_address = modelled.token_address
    inner join vaults
        on
            coalesce(reads.chain_id, modelled.chain_id) = vaults.chain_id
            and coalesce(reads.vault_address, modelled.vault_address) = vaults.contract_address

),

{{ comparison_results() }}

select * from final

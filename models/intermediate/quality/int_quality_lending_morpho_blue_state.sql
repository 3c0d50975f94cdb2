-- RM1: totals, last update and fee of every market at each pinned block are those that Morpho stated; RM2: so is every
-- position, also of accounts that only one side knows.
with

contracts as (

    select * from {{ ref('int_ledger_contract_histories') }}
    where family = 'morpho_blue' and role = 'morpho'

),

reads as (

    select * from {{ ref('int_quality_lending_morpho_blue_reads') }}

),

modelled as (

    select * from {{ ref('int_quality_lending_morpho_blue_modelled') }}

),

paired as (

    select
        coalesce(reads.chain_id, modelled.chain_id) as chain_id,
        coalesce(reads.morpho_address, modelled.morpho_address) as morpho_address,
        coalesce(reads.block_number, modelled.block_number) as block_number,
        coalesce(reads.function_name, modelled.function_name) as function_name,
        coalesce(reads.market_id, modelled.market_id) as market_id,
        coalesce(reads.account_address, modelled.account_address) as account_address,
        coalesce(reads.number_name, modelled.number_name) as number_name,
        reads.read_value,
        modelled.market_id is not null as is_modelled,
        -- an account of which no event tells has nothing
        case
            when reads.function_name = 'position' and modelled.market_id is null then '0'
            else modelled.modelled_value
        end as modelled_value
    from reads
    full outer join modelled
        on
            reads.chain_id = modelled.chain_id
            and reads.morpho_address = modelled.morpho_address
            and reads.block_number = modelled.block_number
            and reads.function_name = modelled.function_name
            and reads.market_id = modelled.market_id
            and reads.account_address = modelled.account_address
            and reads.number_name = modelled.number_name

),

judged as (

    select
        case when paired.function_name = 'market' then 'RM1' else 'RM2' end as invariant_id,
        'stg_morpho_blue' as mart,
        paired.chain_id,
        paired.market_id as entity,
        paired.block_number,
        {{ dbt.concat(['paired.account_address', "' '", 'paired.number_name']) }} as detail,
        paired.read_value,
        paired.modelled_value,
        -- Amounts and shares are NULL only where they are beyond exact integers, of a stranger's own token for example.
        case
            when
                contracts.history_to_block is null
                or paired.block_number > contracts.history_to_block
                then 'incomplete'
            when
                paired.is_modelled
                and paired.modelled_value is null
                and paired.number_name not in ('fee', 'last update')
                then 'incomplete'
            when paired.read_value = paired.modelled_value then 'ok'
            else 'failed'
        end as status
    from paired
    inner join contracts
        on
            paired.chain_id = contracts.chain_id
            and paired.morpho_address = contracts.contract_address

),

{{ comparison_results() }}

select * from final

-- A13: the amount of each flash loan reached its receiver in the same transaction, as often as it was lent. Needs
-- transfers: where they are not loaded nothing is said.
with

markets as (

    select * from {{ ref('int_lending_aave_v3_markets') }}

),

loans as (

    select
        flash_loans.chain_id,
        markets.market_address,
        flash_loans.block_number,
        flash_loans.tx_hash,
        flash_loans.token_address,
        flash_loans.target_address,
        flash_loans.amount_raw,
        min(flash_loans.log_index) as log_index,
        count(*) as loan_count
    from {{ ref('stg_aave_v3__pool_flash_loan') }} as flash_loans
    inner join markets
        on
            flash_loans.chain_id = markets.chain_id
            and flash_loans.pool_address = markets.market_address
    group by
        flash_loans.chain_id,
        markets.market_address,
        flash_loans.block_number,
        flash_loans.tx_hash,
        flash_loans.token_address,
        flash_loans.target_address,
        flash_loans.amount_raw

),

transfers as (

    select
        chain_id,
        tx_hash,
        token_address,
        to_address,
        amount_raw,
        count(*) as transfer_count
    from {{ ref('stg_erc20__token_transfer') }}
    group by chain_id, tx_hash, token_address, to_address, amount_raw

),

asked as (

    select
        chain_id,
        market_address as entity
    from loans

),

checked as (

    select
        loans.chain_id,
        loans.market_address as entity,
        loans.block_number,
        loans.log_index,
        {{ int_to_text('loans.loan_count') }} as expected_value,
        {{ int_to_text('coalesce(transfers.transfer_count, 0)') }} as actual_value,
        case
            when coverage.chain_id is not null
                then loans.loan_count > coalesce(transfers.transfer_count, 0)
        end as is_failed
    from loans
    left outer join {{ ref('int_ledger_family_coverage') }} as coverage
        on
            loans.chain_id = coverage.chain_id
            and coverage.family = 'erc20'
            and loans.block_number between coverage.from_block and coverage.to_block
    left outer join transfers
        on
            loans.chain_id = transfers.chain_id
            and loans.tx_hash = transfers.tx_hash
            and loans.token_address = transfers.token_address
            and loans.target_address = transfers.to_address
            and loans.amount_raw = transfers.amount_raw

),

{{ market_check_rows('A13', 'lending_actions', needs_history=false) }}

select * from final

{{
    config(
        materialized = 'incremental',
        incremental_strategy = replace_strategy(),
        partition_by = day_partition('block_date'),
        cluster_by = ['chain_id', 'market_address'],
        meta = aave_onward('block_date'),
        pre_hook = "{{ find_dirty_days() }}",
        post_hook = "{{ record_watermark(ref('int_dimension_changes')) }}",
    )
}}
-- The point just before each liquidation of a market with complete history: its first own log is the change of the
-- account's debt, or the collateral flag that was cleared right before it.
with

markets as (

    select * from {{ ref('int_lending_aave_v3_markets') }}
    where incomplete_reason is null

),

calls as (

    select * from {{ ref('int_lending_aave_v3_liquidations') }}
    where {{ is_dirty_onward('block_date') }}

),

reserves as (

    select * from {{ ref('int_lending_aave_v3_reserves') }}

),

repayments as (

    select * from {{ ref('int_lending_aave_v3_scaled_deltas') }}
    where
        leg in ('mint', 'burn')
        and scaled_delta_raw < 0
        and {{ is_dirty_onward('block_date') }}

),

cleared_flags as (

    select * from {{ ref('stg_aave_v3__pool_reserve_used_as_collateral_disabled') }}
    where {{ is_dirty_onward('block_date') }}

),

repaid as (

    select
        calls.*,
        repayments.log_index as repayment_log_index
    from calls
    inner join markets
        on
            calls.chain_id = markets.chain_id
            and calls.market_address = markets.market_address
            and calls.block_number <= markets.as_of_block
    left outer join reserves
        on
            calls.chain_id = reserves.chain_id
            and calls.market_address = reserves.market_address
            and calls.debt_token_address = reserves.token_address
    left outer join repayments
        on
            calls.chain_id = repayments.chain_id
            and calls.tx_hash = repayments.tx_hash
            and reserves.variable_debt_token_address = repayments.position_token_address
            and calls.account_address = repayments.account_address
            and repayments.log_index between calls.after_log_index + 1 and calls.log_index
    qualify row_number() over (
        partition by calls.chain_id, calls.block_number, calls.log_index
        order by repayments.log_index desc
    ) = 1

),

-- Between the cleared flag and the debt token's Burn stands only the ERC-20 Transfer of the burn.
final as (

    select
        repaid.chain_id,
        repaid.market_address,
        repaid.block_number,
        repaid.block_timestamp,
        repaid.block_date,
        repaid.log_index,
        repaid.tx_hash,
        repaid.account_address,
        repaid.collateral_token_address,
        repaid.debt_token_address,
        repaid.collateral_amount_raw,
        repaid.debt_amount_raw,
        coalesce(cleared_flags.log_index, repaid.repayment_log_index, repaid.log_index)
            as start_log_index,
        {{ log_position(
            'repaid.block_number',
            'coalesce(cleared_flags.log_index, repaid.repayment_log_index, repaid.log_index)'
        ) }} as start_position
    from repaid
    left outer join cleared_flags
        on
            repaid.chain_id = cleared_flags.chain_id
            and repaid.tx_hash = cleared_flags.tx_hash
            and repaid.market_address = cleared_flags.pool_address
            and repaid.collateral_token_address = cleared_flags.token_address
            and repaid.account_address = cleared_flags.account_address
            and cleared_flags.log_index
            between repaid.repayment_log_index - 2 and repaid.repayment_log_index - 1
    qualify row_number() over (
        partition by repaid.chain_id, repaid.block_number, repaid.log_index
        order by cleared_flags.log_index desc
    ) = 1

)

select * from final

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
-- Liquidations with the protocol's fee: the last transfer of the collateral's aToken away from the account, to another
-- than the liquidator, between the liquidation before in the same transaction and this one.
with

calls as (

    select
        calls.*,
        coalesce(
            lag(calls.log_index) over (
                partition by calls.chain_id, calls.tx_hash order by calls.log_index
            ),
            -1
        ) as after_log_index
    from {{ ref('stg_aave_v3__pool_liquidation_call') }} as calls
    where {{ is_dirty_onward('calls.block_date') }}

),

reserves as (

    select * from {{ ref('int_lending_aave_v3_reserves') }}

),

transfers as (

    select
        chain_id,
        tx_hash,
        log_index,
        position_token_address,
        from_address,
        to_address,
        {{ ray_mul('scaled_amount_raw', 'index_raw') | indent(8) }} as amount_raw
    from {{ ref('stg_aave_v3__token_balance_transfer') }}
    where {{ is_dirty_onward('block_date') }}

),

final as (

    select
        calls.chain_id,
        calls.block_number,
        calls.block_timestamp,
        calls.block_date,
        calls.tx_hash,
        calls.tx_index,
        calls.log_index,
        calls.after_log_index,
        calls.pool_address as market_address,
        calls.account_address,
        calls.liquidator_address,
        calls.collateral_token_address,
        calls.debt_token_address,
        calls.collateral_amount_raw,
        calls.debt_amount_raw,
        calls.is_atoken_received,
        transfers.to_address as treasury_address,
        -- Without the reserve's aToken nothing can be said of a fee.
        case
            when reserves.atoken_address is not null
                then coalesce(transfers.amount_raw, {{ exact_int(0) }})
        end as protocol_fee_raw
    from calls
    left outer join reserves
        on
            calls.chain_id = reserves.chain_id
            and calls.pool_address = reserves.market_address
            and calls.collateral_token_address = reserves.token_address
    left outer join transfers
        on
            calls.chain_id = transfers.chain_id
            and calls.tx_hash = transfers.tx_hash
            and reserves.atoken_address = transfers.position_token_address
            and calls.account_address = transfers.from_address
            and calls.liquidator_address != transfers.to_address
            and transfers.log_index between calls.after_log_index and calls.log_index
    qualify row_number() over (
        partition by calls.chain_id, calls.block_number, calls.log_index
        order by transfers.log_index desc
    ) = 1

)

select * from final

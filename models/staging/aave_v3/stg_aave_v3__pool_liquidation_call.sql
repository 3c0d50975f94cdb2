with

live as (

    {{ live_rows(
        'aave_v3', 'aave_v3__pool_liquidation_call',
        'pool', 'LiquidationCall',
    ) | indent(4) }}

),

renamed as (

    select
        {{ log_columns('live') | indent(8) }},
        live.contract_address as pool_address,
        live.collateral_asset as collateral_token_address,
        live.debt_asset as debt_token_address,
        live.user as account_address,
        live.liquidator as liquidator_address,
        {{ to_exact_int('live.debt_to_cover') | indent(8) }} as debt_amount_raw,
        {{ to_exact_int('live.liquidated_collateral_amount') | indent(8) }}
            as collateral_amount_raw,
        live.receive_atoken as is_atoken_received
    from live

)

select * from renamed

with

live as (

    {{ live_rows(
        'aave_v3', 'aave_v3__configurator_collateral_configuration_changed',
        'configurator', 'CollateralConfigurationChanged',
    ) | indent(4) }}

),

renamed as (

    select
        {{ log_columns('live') | indent(8) }},
        live.contract_address as configurator_address,
        live.asset as token_address,
        {{ to_exact_int('live.ltv') | indent(8) }} as ltv_bps,
        {{ to_exact_int('live.liquidation_threshold') | indent(8) }} as liquidation_threshold_bps,
        {{ to_exact_int('live.liquidation_bonus') | indent(8) }} as liquidation_bonus_bps
    from live

)

select * from renamed

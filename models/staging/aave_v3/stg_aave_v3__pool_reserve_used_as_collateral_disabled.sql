with

live as (

    {{ live_rows(
        'aave_v3', 'aave_v3__pool_reserve_used_as_collateral_disabled',
        'pool', 'ReserveUsedAsCollateralDisabled',
    ) | indent(4) }}

),

renamed as (

    select
        {{ log_columns('live') | indent(8) }},
        live.contract_address as pool_address,
        live.reserve as token_address,
        live.user as account_address
    from live

)

select * from renamed

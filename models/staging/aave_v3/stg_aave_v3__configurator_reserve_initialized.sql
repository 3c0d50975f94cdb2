with

live as (

    {{ live_rows(
        'aave_v3', 'aave_v3__configurator_reserve_initialized',
        'configurator', 'ReserveInitialized',
    ) | indent(4) }}

),

renamed as (

    select
        {{ log_columns('live') | indent(8) }},
        live.contract_address as configurator_address,
        live.asset as token_address,
        live.atoken as atoken_address,
        live.stable_debt_token as stable_debt_token_address,
        live.variable_debt_token as variable_debt_token_address
    from live

)

select * from renamed

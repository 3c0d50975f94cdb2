with

live as (

    {{ live_rows(
        'aave_v3', 'aave_v3__pool_deficit_created',
        'pool', 'DeficitCreated',
    ) | indent(4) }}

),

renamed as (

    select
        {{ log_columns('live') | indent(8) }},
        live.contract_address as pool_address,
        live.debt_asset as token_address,
        live.user as account_address,
        {{ to_exact_int('live.amount_created') | indent(8) }} as amount_raw
    from live

)

select * from renamed

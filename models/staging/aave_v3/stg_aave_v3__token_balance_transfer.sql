with

live as (

    {{ live_rows(
        'aave_v3', 'aave_v3__token_balance_transfer',
        'token', 'BalanceTransfer',
    ) | indent(4) }}

),

renamed as (

    select
        {{ log_columns('live') | indent(8) }},
        live.contract_address as position_token_address,
        live.from_address,
        live.to_address,
        {{ to_exact_int('live.value') | indent(8) }} as scaled_amount_raw,
        {{ to_exact_int('live.index') | indent(8) }} as index_raw
    from live

)

select * from renamed

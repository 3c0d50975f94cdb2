with

live as (

    {{ live_rows('aave_v3', 'aave_v3__token_mint', 'token', 'Mint') | indent(4) }}

),

renamed as (

    select
        {{ log_columns('live') | indent(8) }},
        live.contract_address as position_token_address,
        live.caller as caller_address,
        live.on_behalf_of as account_address,
        {{ to_exact_int('live.value') | indent(8) }} as value_raw,
        {{ to_exact_int('live.balance_increase') | indent(8) }} as balance_increase_raw,
        {{ to_exact_int('live.index') | indent(8) }} as index_raw
    from live

)

select * from renamed

with

live as (

    {{ live_rows('aave_v3', 'aave_v3__pool_flash_loan', 'pool', 'FlashLoan') | indent(4) }}

),

renamed as (

    select
        {{ log_columns('live') | indent(8) }},
        live.contract_address as pool_address,
        live.asset as token_address,
        live.initiator as initiator_address,
        live.target as target_address,
        {{ to_exact_int('live.amount') | indent(8) }} as amount_raw,
        live.interest_rate_mode,
        {{ to_exact_int('live.premium') | indent(8) }} as premium_raw
    from live

)

select * from renamed

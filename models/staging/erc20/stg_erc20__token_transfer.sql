with

live as (

    {{ live_rows('erc20', 'erc20__token_transfer', 'token', 'Transfer') | indent(4) }}

),

renamed as (

    select
        {{ log_columns('live') | indent(8) }},
        live.contract_address as token_address,
        live.from_address,
        live.to_address,
        {{ to_exact_int('live.value') | indent(8) }} as amount_raw,
        {{ is_overflow('live.value') | indent(8) }} as has_overflow
    from live

)

select * from renamed

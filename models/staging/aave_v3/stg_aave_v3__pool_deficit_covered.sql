with

live as (

    {{ live_rows(
        'aave_v3', 'aave_v3__pool_deficit_covered',
        'pool', 'DeficitCovered',
    ) | indent(4) }}

),

renamed as (

    select
        {{ log_columns('live') | indent(8) }},
        live.contract_address as pool_address,
        live.reserve as token_address,
        live.caller as caller_address,
        {{ to_exact_int('live.amount_covered') | indent(8) }} as amount_raw
    from live

)

select * from renamed

with

live as (

    {{ live_rows(
        'morpho_blue', 'morpho_blue__morpho_accrue_interest',
        'morpho', 'AccrueInterest',
    ) | indent(4) }}

),

renamed as (

    select
        {{ log_columns('live') | indent(8) }},
        live.contract_address as morpho_address,
        live.id as market_id,
        {{ to_exact_int('live.prev_borrow_rate') | indent(8) }} as borrow_rate_raw,
        {{ to_exact_int('live.interest') | indent(8) }} as interest_raw,
        {{ to_exact_int('live.fee_shares') | indent(8) }} as fee_shares_raw
    from live

)

select * from renamed

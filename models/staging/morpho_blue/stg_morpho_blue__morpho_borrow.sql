with

live as (

    {{ live_rows('morpho_blue', 'morpho_blue__morpho_borrow', 'morpho', 'Borrow') | indent(4) }}

),

renamed as (

    select
        {{ log_columns('live') | indent(8) }},
        live.contract_address as morpho_address,
        live.id as market_id,
        live.caller as caller_address,
        live.on_behalf as account_address,
        live.receiver as receiver_address,
        {{ to_exact_int('live.assets') | indent(8) }} as assets_raw,
        {{ to_exact_int('live.shares') | indent(8) }} as shares_raw
    from live

)

select * from renamed

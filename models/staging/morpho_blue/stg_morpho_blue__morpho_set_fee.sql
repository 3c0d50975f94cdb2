with

live as (

    {{ live_rows('morpho_blue', 'morpho_blue__morpho_set_fee', 'morpho', 'SetFee') | indent(4) }}

),

renamed as (

    select
        {{ log_columns('live') | indent(8) }},
        live.contract_address as morpho_address,
        live.id as market_id,
        {{ to_exact_int('live.new_fee') | indent(8) }} as fee_raw
    from live

)

select * from renamed

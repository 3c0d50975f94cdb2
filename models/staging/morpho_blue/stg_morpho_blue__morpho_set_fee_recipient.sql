with

live as (

    {{ live_rows(
        'morpho_blue', 'morpho_blue__morpho_set_fee_recipient',
        'morpho', 'SetFeeRecipient',
    ) | indent(4) }}

),

renamed as (

    select
        {{ log_columns('live') | indent(8) }},
        live.contract_address as morpho_address,
        live.new_fee_recipient as account_address
    from live

)

select * from renamed

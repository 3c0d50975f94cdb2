with

live as (

    {{ live_rows(
        'uniswap_v3',
        'uniswap_v3__pancakeswap_pool_set_fee_protocol',
        'pancakeswap_pool',
        'SetFeeProtocol'
    ) | indent(4) }}

),

renamed as (

    select
        {{ log_columns('live') | indent(8) }},
        live.contract_address as pool_address,
        live.fee_protocol0_old,
        live.fee_protocol1_old,
        live.fee_protocol0_new,
        live.fee_protocol1_new
    from live

)

select * from renamed

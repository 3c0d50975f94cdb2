with

live as (

    {{ live_rows(
        'uniswap_v4', 'uniswap_v4__pool_manager_protocol_fee_updated', 'pool_manager', 'ProtocolFeeUpdated'
    ) | indent(4) }}

),

renamed as (

    select
        {{ log_columns('live') | indent(8) }},
        live.contract_address as manager_address,
        live.id as pool_id,
        live.protocol_fee
    from live

)

select * from renamed

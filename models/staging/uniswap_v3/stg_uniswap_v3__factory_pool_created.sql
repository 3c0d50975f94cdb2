with

live as (

    {{ live_rows(
        'uniswap_v3', 'uniswap_v3__factory_pool_created', 'factory', 'PoolCreated'
    ) | indent(4) }}

),

renamed as (

    select
        {{ log_columns('live') | indent(8) }},
        live.contract_address as factory_address,
        live.token0,
        live.token1,
        live.fee as fee_pips,
        live.tick_spacing,
        live.pool as pool_address
    from live

)

select * from renamed

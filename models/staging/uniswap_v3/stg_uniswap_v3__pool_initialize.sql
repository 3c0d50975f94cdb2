with

live as (

    {{ live_rows('uniswap_v3', 'uniswap_v3__pool_initialize', 'pool', 'Initialize') | indent(4) }}

),

renamed as (

    select
        {{ log_columns('live') | indent(8) }},
        live.contract_address as pool_address,
        live.sqrt_price_x96,
        live.tick
    from live

)

select * from renamed

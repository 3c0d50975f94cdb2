with

live as (

    {{ live_rows(
        'uniswap_v2', 'uniswap_v2__factory_pair_created', 'factory', 'PairCreated'
    ) | indent(4) }}

),

renamed as (

    select
        {{ log_columns('live') | indent(8) }},
        live.contract_address as factory_address,
        live.token0,
        live.token1,
        live.pair as pool_address
    from live

)

select * from renamed

with

live as (

    {{ live_rows(
        'uniswap_v4', 'uniswap_v4__pool_manager_initialize', 'pool_manager', 'Initialize'
    ) | indent(4) }}

),

renamed as (

    select
        {{ log_columns('live') | indent(8) }},
        live.contract_address as manager_address,
        live.id as pool_id,
        live.currency0,
        live.currency1,
        live.fee as fee_pips,
        live.tick_spacing,
        live.hooks as hooks_address,
        live.sqrt_price_x96,
        live.tick
    from live

)

select * from renamed

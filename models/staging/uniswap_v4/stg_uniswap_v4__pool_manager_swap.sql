with

live as (

    {{ live_rows(
        'uniswap_v4', 'uniswap_v4__pool_manager_swap', 'pool_manager', 'Swap'
    ) | indent(4) }}

),

renamed as (

    select
        {{ log_columns('live') | indent(8) }},
        live.contract_address as manager_address,
        live.id as pool_id,
        live.sender,
        {{ to_exact_int('live.amount0') | indent(8) }} as amount0_raw,
        {{ to_exact_int('live.amount1') | indent(8) }} as amount1_raw,
        live.sqrt_price_x96,
        {{ to_exact_int('live.liquidity') | indent(8) }} as liquidity_raw,
        live.tick,
        live.fee as fee_pips,
        {{ is_overflow('live.amount0') | indent(8) }}
        or {{ is_overflow('live.amount1') | indent(8) }}
        or {{ is_overflow('live.liquidity') | indent(8) }} as has_overflow
    from live

)

select * from renamed

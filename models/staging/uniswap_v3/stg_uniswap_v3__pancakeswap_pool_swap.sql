with

live as (

    {{ live_rows(
        'uniswap_v3', 'uniswap_v3__pancakeswap_pool_swap', 'pancakeswap_pool', 'Swap'
    ) | indent(4) }}

),

renamed as (

    select
        {{ log_columns('live') | indent(8) }},
        live.contract_address as pool_address,
        live.sender,
        live.recipient,
        {{ to_exact_int('live.amount0') | indent(8) }} as amount0_raw,
        {{ to_exact_int('live.amount1') | indent(8) }} as amount1_raw,
        live.sqrt_price_x96,
        {{ to_exact_int('live.liquidity') | indent(8) }} as liquidity_raw,
        live.tick,
        {{ to_exact_int('live.protocol_fees_token0') | indent(8) }} as protocol_fees0_raw,
        {{ to_exact_int('live.protocol_fees_token1') | indent(8) }} as protocol_fees1_raw,
        {{ is_overflow('live.amount0') | indent(8) }}
        or {{ is_overflow('live.amount1') | indent(8) }}
        or {{ is_overflow('live.liquidity') | indent(8) }}
        or {{ is_overflow('live.protocol_fees_token0') | indent(8) }}
        or {{ is_overflow('live.protocol_fees_token1') | indent(8) }} as has_overflow
    from live

)

select * from renamed

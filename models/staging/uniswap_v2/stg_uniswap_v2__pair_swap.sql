with

live as (

    {{ live_rows('uniswap_v2', 'uniswap_v2__pair_swap', 'pair', 'Swap') | indent(4) }}

),

renamed as (

    select
        {{ log_columns('live') | indent(8) }},
        live.contract_address as pool_address,
        live.sender,
        live.to_address as recipient,
        {{ to_exact_int('live.amount0_in') | indent(8) }} as amount0_in_raw,
        {{ to_exact_int('live.amount1_in') | indent(8) }} as amount1_in_raw,
        {{ to_exact_int('live.amount0_out') | indent(8) }} as amount0_out_raw,
        {{ to_exact_int('live.amount1_out') | indent(8) }} as amount1_out_raw,
        {{ is_overflow('live.amount0_in') | indent(8) }}
        or {{ is_overflow('live.amount1_in') | indent(8) }}
        or {{ is_overflow('live.amount0_out') | indent(8) }}
        or {{ is_overflow('live.amount1_out') | indent(8) }} as has_overflow
    from live

)

select * from renamed

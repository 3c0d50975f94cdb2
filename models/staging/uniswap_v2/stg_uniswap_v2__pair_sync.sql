with

live as (

    {{ live_rows('uniswap_v2', 'uniswap_v2__pair_sync', 'pair', 'Sync') | indent(4) }}

),

renamed as (

    select
        {{ log_columns('live') | indent(8) }},
        live.contract_address as pool_address,
        {{ to_exact_int('live.reserve0') | indent(8) }} as reserve0_raw,
        {{ to_exact_int('live.reserve1') | indent(8) }} as reserve1_raw,
        {{ is_overflow('live.reserve0') | indent(8) }}
        or {{ is_overflow('live.reserve1') | indent(8) }} as has_overflow
    from live

)

select * from renamed

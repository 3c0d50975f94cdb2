with

live as (

    {{ live_rows(
        'uniswap_v4', 'uniswap_v4__pool_manager_modify_liquidity', 'pool_manager', 'ModifyLiquidity'
    ) | indent(4) }}

),

renamed as (

    select
        {{ log_columns('live') | indent(8) }},
        live.contract_address as manager_address,
        live.id as pool_id,
        live.sender,
        live.tick_lower,
        live.tick_upper,
        {{ to_exact_int('live.liquidity_delta') | indent(8) }} as liquidity_delta_raw,
        live.salt,
        {{ is_overflow('live.liquidity_delta') | indent(8) }} as has_overflow
    from live

)

select * from renamed

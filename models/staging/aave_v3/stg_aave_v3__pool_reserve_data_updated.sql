with

live as (

    {{ live_rows(
        'aave_v3', 'aave_v3__pool_reserve_data_updated',
        'pool', 'ReserveDataUpdated',
    ) | indent(4) }}

),

renamed as (

    select
        {{ log_columns('live') | indent(8) }},
        live.contract_address as pool_address,
        live.reserve as token_address,
        {{ to_exact_int('live.liquidity_rate') | indent(8) }} as liquidity_rate_raw,
        {{ to_exact_int('live.stable_borrow_rate') | indent(8) }} as stable_borrow_rate_raw,
        {{ to_exact_int('live.variable_borrow_rate') | indent(8) }} as variable_borrow_rate_raw,
        {{ to_exact_int('live.liquidity_index') | indent(8) }} as liquidity_index_raw,
        {{ to_exact_int('live.variable_borrow_index') | indent(8) }} as variable_borrow_index_raw
    from live

)

select * from renamed

with

live as (

    {{ live_rows(
        'morpho_blue', 'morpho_blue__morpho_create_market',
        'morpho', 'CreateMarket',
    ) | indent(4) }}

),

renamed as (

    select
        {{ log_columns('live') | indent(8) }},
        live.contract_address as morpho_address,
        live.id as market_id,
        {{ json_array_item('live.market_params', 0) }} as loan_token_address,
        {{ json_array_item('live.market_params', 1) }} as collateral_token_address,
        {{ json_array_item('live.market_params', 2) }} as oracle_address,
        {{ json_array_item('live.market_params', 3) }} as irm_address,
        {{ to_exact_int(json_array_item('live.market_params', 4)) | indent(8) }} as lltv_raw
    from live

)

select * from renamed

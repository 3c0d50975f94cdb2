with

live as (

    {{ live_rows(
        'aave_v3', 'aave_v3__configurator_emode_category_added',
        'configurator', 'EModeCategoryAdded',
    ) | indent(4) }}

),

renamed as (

    select
        {{ log_columns('live') | indent(8) }},
        live.contract_address as configurator_address,
        live.category_id as emode_category_id,
        {{ to_exact_int('live.ltv') | indent(8) }} as ltv_bps,
        {{ to_exact_int('live.liquidation_threshold') | indent(8) }} as liquidation_threshold_bps,
        {{ to_exact_int('live.liquidation_bonus') | indent(8) }} as liquidation_bonus_bps,
        live.oracle as price_source_address,
        live.label
    from live

)

select * from renamed

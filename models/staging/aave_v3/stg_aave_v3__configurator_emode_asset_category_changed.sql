with

live as (

    {{ live_rows(
        'aave_v3', 'aave_v3__configurator_emode_asset_category_changed',
        'configurator', 'EModeAssetCategoryChanged',
    ) | indent(4) }}

),

renamed as (

    select
        {{ log_columns('live') | indent(8) }},
        live.contract_address as configurator_address,
        live.asset as token_address,
        live.old_category_id,
        live.new_category_id
    from live

)

select * from renamed

with

live as (

    {{ live_rows(
        'aave_v3', 'aave_v3__oracle_asset_source_updated',
        'oracle', 'AssetSourceUpdated',
    ) | indent(4) }}

),

renamed as (

    select
        {{ log_columns('live') | indent(8) }},
        live.contract_address as oracle_address,
        live.asset as token_address,
        live.source as source_address
    from live

)

select * from renamed

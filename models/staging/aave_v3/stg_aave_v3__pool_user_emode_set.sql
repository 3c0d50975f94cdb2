with

live as (

    {{ live_rows('aave_v3', 'aave_v3__pool_user_emode_set', 'pool', 'UserEModeSet') | indent(4) }}

),

renamed as (

    select
        {{ log_columns('live') | indent(8) }},
        live.contract_address as pool_address,
        live.user as account_address,
        live.category_id as emode_category_id
    from live

)

select * from renamed

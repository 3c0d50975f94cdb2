with

live as (

    {{ live_rows('aave_v3', 'aave_v3__configuration', none, none) | indent(4) }}

),

renamed as (

    select
        {{ log_columns('live') | indent(8) }},
        live.contract_address,
        live.event_role,
        live.event_name,
        live.payload
    from live

)

select * from renamed

with

live as (

    {{ live_rows(
        'balancer_v2', 'balancer_v2__vault_pool_registered',
        'vault', 'PoolRegistered',
    ) | indent(4) }}

),

renamed as (

    select
        {{ log_columns('live') | indent(8) }},
        live.contract_address as vault_address,
        live.pool_id,
        live.pool_address,
        live.specialization
    from live

)

select * from renamed

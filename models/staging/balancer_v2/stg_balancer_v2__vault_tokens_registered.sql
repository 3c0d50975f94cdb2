with

live as (

    {{ live_rows(
        'balancer_v2', 'balancer_v2__vault_tokens_registered',
        'vault', 'TokensRegistered',
    ) | indent(4) }}

),

renamed as (

    select
        {{ log_columns('live') | indent(8) }},
        live.contract_address as vault_address,
        live.pool_id,
        live.tokens as token_addresses,
        live.asset_managers as asset_manager_addresses
    from live

)

select * from renamed

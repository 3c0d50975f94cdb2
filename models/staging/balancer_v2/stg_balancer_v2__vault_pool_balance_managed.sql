with

live as (

    {{ live_rows(
        'balancer_v2', 'balancer_v2__vault_pool_balance_managed',
        'vault', 'PoolBalanceManaged',
    ) | indent(4) }}

),

renamed as (

    select
        {{ log_columns('live') | indent(8) }},
        live.contract_address as vault_address,
        live.pool_id,
        live.asset_manager as asset_manager_address,
        live.token as token_address,
        {{ to_exact_int('live.cash_delta') | indent(8) }} as cash_delta_raw,
        {{ to_exact_int('live.managed_delta') | indent(8) }} as managed_delta_raw
    from live

)

select * from renamed

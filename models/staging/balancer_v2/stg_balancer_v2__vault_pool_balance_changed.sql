with

live as (

    {{ live_rows(
        'balancer_v2', 'balancer_v2__vault_pool_balance_changed',
        'vault', 'PoolBalanceChanged',
    ) | indent(4) }}

),

renamed as (

    select
        {{ log_columns('live') | indent(8) }},
        live.contract_address as vault_address,
        live.pool_id,
        live.liquidity_provider as account_address,
        live.tokens as token_addresses,
        live.deltas as deltas_raw,
        live.protocol_fee_amounts as protocol_fees_raw
    from live

)

select * from renamed

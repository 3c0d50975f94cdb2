with

live as (

    {{ live_rows('balancer_v2', 'balancer_v2__vault_swap', 'vault', 'Swap') | indent(4) }}

),

renamed as (

    select
        {{ log_columns('live') | indent(8) }},
        live.contract_address as vault_address,
        live.pool_id,
        live.token_in as token_in_address,
        live.token_out as token_out_address,
        {{ to_exact_int('live.amount_in') | indent(8) }} as amount_in_raw,
        {{ to_exact_int('live.amount_out') | indent(8) }} as amount_out_raw
    from live

)

select * from renamed

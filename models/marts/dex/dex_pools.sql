{{
    config(
        partition_by = month_partition('first_date'),
        meta = {'tested_by': 'first_date'},
    )
}}

with

pools as (

    select * from {{ ref('int_dex_pools') }}

),

tokens as (

    select * from {{ ref('tokens') }}

),

final as (

    select
        pools.chain_id,
        pools.pool_id,
        pools.pool_address,
        pools.protocol,
        pools.version,
        pools.family,
        pools.factory_address,
        pools.token0,
        pools.token1,
        tokens0.symbol as token0_symbol,
        tokens1.symbol as token1_symbol,
        pools.fee_pips,
        pools.tick_spacing,
        pools.created_block,
        pools.created_timestamp,
        pools.first_timestamp,
        {{ to_date('pools.first_timestamp') }} as first_date,
        pools.origin,
        pools.unproven_reason,
        pools.is_history_complete
    from pools
    left outer join tokens as tokens0
        on
            pools.chain_id = tokens0.chain_id
            and pools.token0 = tokens0.token_address
    left outer join tokens as tokens1
        on
            pools.chain_id = tokens1.chain_id
            and pools.token1 = tokens1.token_address

)

select * from final

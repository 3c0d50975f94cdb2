{{ config(meta = {'tested_in_audits': true}) }}

-- Every token that anything refers to, whether its contract was read or not.
with

registry_tokens as (

    select * from {{ ref('registry_tokens') }}

),

registry_feeds as (

    select * from {{ ref('registry_feeds') }}

),

pools as (

    select * from {{ ref('int_dex_pool_candidates') }}

),

reserves as (

    select * from {{ ref('stg_aave_v3__configurator_reserve_initialized') }}

),

-- Of what the registry says, everything since the beginning may depend.
mentions as (

    select
        chain_id,
        token_address,
        timestamp '1970-01-01' as first_timestamp
    from registry_tokens
    union all
    select
        chain_id,
        base_token_address as token_address,
        timestamp '1970-01-01' as first_timestamp
    from registry_feeds
    union all
    select
        chain_id,
        token0 as token_address,
        first_timestamp
    from pools
    union all
    select
        chain_id,
        token1 as token_address,
        first_timestamp
    from pools
    union all
    select
        chain_id,
        token_address,
        block_timestamp as first_timestamp
    from reserves

),

final as (

    select
        chain_id,
        token_address,
        min(first_timestamp) as first_timestamp
    from mentions
    where token_address is not null
    group by chain_id, token_address

)

select * from final

-- Every token that anything refers to, whether its contract was read or not.
with

registry_tokens as (

    select * from {{ ref('registry_tokens') }}

),

registry_feeds as (

    select * from {{ ref('registry_feeds') }}

),

pairs as (

    select * from {{ ref('stg_uniswap_v2__factory_pair_created') }}

),

pools as (

    select * from {{ ref('stg_uniswap_v3__factory_pool_created') }}

),

completions as (

    select * from {{ ref('stg_poolhouse__pool_completions') }}

),

reserves as (

    select * from {{ ref('stg_aave_v3__configurator_reserve_initialized') }}

),

mentions as (

    select
        chain_id,
        token_address
    from registry_tokens
    union distinct
    select
        chain_id,
        base_token_address as token_address
    from registry_feeds
    union distinct
    select
        chain_id,
        token0 as token_address
    from pairs
    union distinct
    select
        chain_id,
        token1 as token_address
    from pairs
    union distinct
    select
        chain_id,
        token0 as token_address
    from pools
    union distinct
    select
        chain_id,
        token1 as token_address
    from pools
    union distinct
    select
        chain_id,
        token0 as token_address
    from completions
    union distinct
    select
        chain_id,
        token1 as token_address
    from completions
    union distinct
    select
        chain_id,
        token_address
    from reserves

),

final as (

    select
        chain_id,
        token_address
    from mentions
    where token_address is not null

)

select * from final

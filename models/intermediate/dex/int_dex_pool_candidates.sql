-- Everything that says what a pool is, proven or not. A contract that merely speaks like a factory proves nothing.
with

pairs as (

    select * from {{ ref('stg_uniswap_v2__factory_pair_created') }}

),

pools as (

    select * from {{ ref('stg_uniswap_v3__factory_pool_created') }}

),

completions as (

    select * from {{ ref('stg_poolhouse__pool_completions') }}

),

v2_swaps as (

    select distinct
        chain_id,
        pool_address
    from {{ ref('int_dex_v2_swaps') }}

),

v3_swaps as (

    select distinct
        chain_id,
        pool_address
    from {{ ref('int_dex_v3_swaps') }}

),

unioned as (

    select
        chain_id,
        pool_address,
        'uniswap_v2' as family,
        factory_address,
        token0,
        token1,
        cast(null as int64) as pool_fee_pips,
        cast(null as int64) as tick_spacing,
        block_number as created_block,
        block_timestamp as created_timestamp,
        log_index as created_log_index,
        'creation_event' as evidence
    from pairs
    union all
    select
        chain_id,
        pool_address,
        'uniswap_v3' as family,
        factory_address,
        token0,
        token1,
        fee_pips as pool_fee_pips,
        tick_spacing,
        block_number as created_block,
        block_timestamp as created_timestamp,
        log_index as created_log_index,
        'creation_event' as evidence
    from pools
    union all
    select
        chain_id,
        pool_address,
        family,
        factory_address,
        token0,
        token1,
        fee as pool_fee_pips,
        tick_spacing,
        cast(null as int64) as created_block,
        cast(null as timestamp) as created_timestamp,
        cast(null as int64) as created_log_index,
        proof as evidence
    from completions
    union all
    select
        chain_id,
        pool_address,
        'uniswap_v2' as family,
        cast(null as {{ dbt.type_string() }}) as factory_address,
        cast(null as {{ dbt.type_string() }}) as token0,
        cast(null as {{ dbt.type_string() }}) as token1,
        cast(null as int64) as pool_fee_pips,
        cast(null as int64) as tick_spacing,
        cast(null as int64) as created_block,
        cast(null as timestamp) as created_timestamp,
        cast(null as int64) as created_log_index,
        'swap' as evidence
    from v2_swaps
    union all
    select
        chain_id,
        pool_address,
        'uniswap_v3' as family,
        cast(null as {{ dbt.type_string() }}) as factory_address,
        cast(null as {{ dbt.type_string() }}) as token0,
        cast(null as {{ dbt.type_string() }}) as token1,
        cast(null as int64) as pool_fee_pips,
        cast(null as int64) as tick_spacing,
        cast(null as int64) as created_block,
        cast(null as timestamp) as created_timestamp,
        cast(null as int64) as created_log_index,
        'swap' as evidence
    from v3_swaps

)

select * from unioned

{{ config(materialized = 'view', meta = {'tested_in_audits': true}) }}

-- Everything that says what a pool is, proven or not. A contract that merely speaks like a factory proves nothing.
with

creations as (

    select * from {{ ref('int_dex_pool_creations') }}

),

completions as (

    select * from {{ ref('stg_poolhouse__pool_completions') }}

),

first_swaps as (

    select * from {{ ref('int_dex_pool_first_swaps') }}

),

unioned as (

    select
        chain_id,
        pool_address,
        family,
        factory_address,
        token0,
        token1,
        fee_pips as pool_fee_pips,
        tick_spacing,
        block_number as created_block,
        block_timestamp as created_timestamp,
        log_index as created_log_index,
        block_timestamp as first_timestamp,
        'creation_event' as evidence
    from creations
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
        cast(null as timestamp) as first_timestamp,
        proof as evidence
    from completions
    union all
    select
        chain_id,
        pool_address,
        family,
        cast(null as {{ dbt.type_string() }}) as factory_address,
        cast(null as {{ dbt.type_string() }}) as token0,
        cast(null as {{ dbt.type_string() }}) as token1,
        cast(null as int64) as pool_fee_pips,
        cast(null as int64) as tick_spacing,
        cast(null as int64) as created_block,
        cast(null as timestamp) as created_timestamp,
        cast(null as int64) as created_log_index,
        first_timestamp,
        'swap' as evidence
    from first_swaps

),

-- What a pool turns out to be matters from the first that is known of it.
final as (

    select
        chain_id,
        pool_address,
        family,
        factory_address,
        token0,
        token1,
        pool_fee_pips,
        tick_spacing,
        created_block,
        created_timestamp,
        created_log_index,
        evidence,
        min(first_timestamp) over (partition by chain_id, pool_address) as first_timestamp
    from unioned

)

select * from final

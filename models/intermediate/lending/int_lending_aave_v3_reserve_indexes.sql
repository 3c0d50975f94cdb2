{{
    config(
        materialized = 'incremental',
        incremental_strategy = replace_strategy(),
        partition_by = day_partition('closed_date'),
        cluster_by = ['chain_id', 'market_address', 'token_address'],
        meta = aave_onward(),
        pre_hook = "{{ find_dirty_days() }}",
        post_hook = "{{ record_watermark(ref('int_dimension_changes')) }}",
    )
}}
{%- set keys = ['chain_id', 'market_address', 'token_address'] -%}
{%- set columns = keys + [
    'block_number', 'block_timestamp', 'block_date', 'tx_hash', 'log_index', 'event_name',
    'liquidity_rate_raw', 'variable_borrow_rate_raw', 'liquidity_index_raw', 'variable_borrow_index_raw',
] %}
-- Rates and indexes of every reserve after each update, from its initialisation (index 1, no rate) on.
with

reserves as (

    select * from {{ ref('int_lending_aave_v3_reserves') }}

),

updates as (

    select * from {{ ref('stg_aave_v3__pool_reserve_data_updated') }}
    where {{ is_dirty_onward('block_date') }}

),

stated as (

    select
        reserves.chain_id,
        reserves.market_address,
        reserves.token_address,
        updates.block_number,
        updates.block_timestamp,
        updates.block_date,
        updates.tx_hash,
        updates.log_index,
        'ReserveDataUpdated' as event_name,
        updates.liquidity_rate_raw,
        updates.variable_borrow_rate_raw,
        updates.liquidity_index_raw,
        updates.variable_borrow_index_raw
    from updates
    inner join reserves
        on
            updates.chain_id = reserves.chain_id
            and updates.pool_address = reserves.market_address
            and updates.token_address = reserves.token_address
    union all
    select
        chain_id,
        market_address,
        token_address,
        initialised_block as block_number,
        initialised_timestamp as block_timestamp,
        {{ to_date('initialised_timestamp') }} as block_date,
        cast(null as {{ dbt.type_string() }}) as tx_hash,
        initialised_log_index as log_index,
        'ReserveInitialized' as event_name,
        {{ exact_int(0) }} as liquidity_rate_raw,
        {{ exact_int(0) }} as variable_borrow_rate_raw,
        {{ ray() }} as liquidity_index_raw,
        {{ ray() }} as variable_borrow_index_raw
    from reserves
    where
        initialised_block is not null
        and {{ is_dirty_onward(to_date('initialised_timestamp')) }}
    {{ union_carried(columns) | indent(4) }}

),

final as (

    select
        stated.*,
        {{ until_block('stated', keys) | indent(8) }} as until_block,
        {{ closed_date('stated', keys) | indent(8) }} as closed_date
    from stated

)

select * from final

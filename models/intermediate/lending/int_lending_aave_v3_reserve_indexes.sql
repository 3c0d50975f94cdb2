-- Rates and indexes of every reserve after each update, from its initialisation (index 1, no rate) on.
with

reserves as (

    select * from {{ ref('int_lending_aave_v3_reserves') }}

),

updates as (

    select * from {{ ref('stg_aave_v3__pool_reserve_data_updated') }}

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
    where initialised_block is not null

),

final as (

    select
        stated.*,
        {{ until_block('stated', ['chain_id', 'market_address', 'token_address']) | indent(8) }}
            as until_block
    from stated

)

select * from final

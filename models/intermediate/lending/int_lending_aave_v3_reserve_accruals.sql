{{
    config(
        materialized = 'incremental',
        incremental_strategy = replace_strategy(),
        partition_by = day_partition('block_date'),
        cluster_by = ['chain_id', 'market_address'],
        meta = aave_onward('block_date'),
        pre_hook = "{{ find_dirty_days() }}",
        post_hook = "{{ record_watermark(ref('int_dimension_changes')) }}",
    )
}}
-- Indexes of every reserve at every point: as last stored, and accrued to the point's own timestamp as the contract
-- answers getReserveNormalizedIncome and getReserveNormalizedVariableDebt.
with

points as (

    select * from {{ ref('int_lending_aave_v3_points') }}
    where {{ is_dirty_onward('block_date') }}

),

indexes as (

    select * from {{ ref('int_lending_aave_v3_reserve_indexes') }}
    where {{ is_dirty_onward('closed_date') }}

),

stored as (

    select
        points.chain_id,
        points.market_address,
        points.as_of_block,
        points.as_of_timestamp,
        points.block_date,
        indexes.token_address,
        indexes.block_timestamp as last_update_timestamp,
        indexes.liquidity_rate_raw,
        indexes.variable_borrow_rate_raw,
        indexes.liquidity_index_raw,
        indexes.variable_borrow_index_raw,
        {{ aave_elapsed('indexes.block_timestamp', 'points.as_of_timestamp') }} as elapsed_s
    from points
    inner join indexes
        on
            points.chain_id = indexes.chain_id
            and points.market_address = indexes.market_address
            and {{ holds_at('indexes', 'points') | indent(12) }}

),

{{ aave_interest_factors('stored') }},

final as (

    select
        chain_id,
        market_address,
        as_of_block,
        as_of_timestamp,
        block_date,
        token_address,
        last_update_timestamp,
        liquidity_rate_raw,
        variable_borrow_rate_raw,
        liquidity_index_raw,
        variable_borrow_index_raw,
        {{ ray_mul('income_factor_raw', 'liquidity_index_raw') | indent(8) }}
            as normalized_income_raw,
        {{ ray_mul('debt_factor_raw', 'variable_borrow_index_raw') | indent(8) }}
            as normalized_debt_raw
    from interest_factors

)

select * from final

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
-- What each liquidated account held and owed just before: the balance at the end of the block before, the changes
-- since, and the reserve's interest up to the liquidation.
with

points as (

    select * from {{ ref('int_lending_aave_v3_liquidation_points') }}
    where {{ is_dirty_onward('block_date') }}

),

reserves as (

    select * from {{ ref('int_lending_aave_v3_reserves') }}

),

balances as (

    select * from {{ ref('int_lending_aave_v3_scaled_balances') }}
    where {{ is_dirty_onward('closed_date') }}

),

deltas as (

    select * from {{ ref('int_lending_aave_v3_scaled_deltas') }}
    where {{ is_dirty_onward('block_date') }}

),

indexes as (

    {{ rows_by_position(
        'int_lending_aave_v3_reserve_indexes', ['chain_id', 'market_address', 'token_address']
    ) | indent(4) }}

),

parts as (

    select
        points.chain_id,
        points.block_number,
        points.log_index,
        balances.token_address,
        balances.side,
        balances.scaled_balance_raw as scaled_part_raw
    from points
    inner join balances
        on
            points.chain_id = balances.chain_id
            and points.market_address = balances.market_address
            and points.account_address = balances.account_address
            and points.block_number - 1 >= balances.block_number
            and points.block_number - 1 < balances.until_block
    union all
    select
        points.chain_id,
        points.block_number,
        points.log_index,
        reserves.token_address,
        case
            when deltas.position_token_address = reserves.atoken_address then 'supply' else 'debt'
        end as side,
        deltas.scaled_delta_raw as scaled_part_raw
    from points
    inner join deltas
        on
            points.chain_id = deltas.chain_id
            and points.block_number = deltas.block_number
            and points.account_address = deltas.account_address
            and points.start_log_index > deltas.log_index
    inner join reserves
        on
            points.chain_id = reserves.chain_id
            and points.market_address = reserves.market_address
            and deltas.position_token_address
            in (reserves.atoken_address, reserves.variable_debt_token_address)

),

-- A sum skips what is unknown: a balance is known only if each of its parts is.
summed as (

    select
        chain_id,
        block_number,
        log_index,
        {% for side in ['supply', 'debt'] -%}
        case
            when count(case when side = '{{ side }}' and scaled_part_raw is null then 1 end) = 0
                then coalesce(
                    sum(case when side = '{{ side }}' then scaled_part_raw end), {{ exact_int(0) }}
                )
        end as scaled_{{ side }}_raw,
        {% endfor -%}
        token_address
    from parts
    group by chain_id, block_number, log_index, token_address

),

stored as (

    select
        points.chain_id,
        points.market_address,
        points.block_number,
        points.block_date,
        points.log_index,
        points.start_position,
        points.account_address,
        summed.token_address,
        summed.scaled_supply_raw,
        summed.scaled_debt_raw,
        indexes.liquidity_rate_raw,
        indexes.variable_borrow_rate_raw,
        indexes.liquidity_index_raw,
        indexes.variable_borrow_index_raw,
        {{ aave_elapsed('indexes.block_timestamp', 'points.block_timestamp') }} as elapsed_s
    from summed
    inner join points
        on
            summed.chain_id = points.chain_id
            and summed.block_number = points.block_number
            and summed.log_index = points.log_index
    inner join indexes
        on
            points.chain_id = indexes.chain_id
            and points.market_address = indexes.market_address
            and summed.token_address = indexes.token_address
            and {{ holds_before('indexes', 'points.start_position') | indent(12) }}

),

{{ aave_interest_factors('stored') }},

accrued as (

    select
        *,
        {{ ray_mul('income_factor_raw', 'liquidity_index_raw') | indent(8) }}
            as normalized_income_raw,
        {{ ray_mul('debt_factor_raw', 'variable_borrow_index_raw') | indent(8) }}
            as normalized_debt_raw
    from interest_factors

),

final as (

    select
        chain_id,
        market_address,
        block_number,
        block_date,
        log_index,
        start_position,
        account_address,
        token_address,
        scaled_supply_raw,
        scaled_debt_raw,
        {{ ray_mul('scaled_supply_raw', 'normalized_income_raw') | indent(8) }} as supply_raw,
        {{ ray_mul('scaled_debt_raw', 'normalized_debt_raw') | indent(8) }} as debt_raw
    from accrued

)

select * from final

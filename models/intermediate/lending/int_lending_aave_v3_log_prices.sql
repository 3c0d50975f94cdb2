{{
    config(
        materialized = 'incremental',
        incremental_strategy = replace_strategy(),
        partition_by = day_partition('block_date'),
        cluster_by = ['chain_id', 'market_address', 'token_address'],
        meta = aave_onward('block_date'),
        pre_hook = "{{ find_dirty_days() }}",
        post_hook = "{{ record_watermark(ref('int_dimension_changes')) }}",
    )
}}
-- Price that the market's own oracle gave just before each log that moved a token of a reserve.
with

reserves as (

    select * from {{ ref('int_lending_aave_v3_reserves') }}

),

actions as (

    select * from {{ ref('int_lending_aave_v3_actions') }}
    where {{ is_dirty_onward('block_date') }}

),

prices as (

    select * from {{ ref('int_lending_aave_v3_prices') }}
    where {{ is_dirty_onward('closed_date') }}

),

coverage as (

    select * from {{ ref('int_ledger_family_coverage') }}
    where family = 'chainlink'

),

asked as (

    select
        actions.chain_id, reserves.market_address, reserves.token_address,
        actions.block_number, actions.block_date, actions.log_index
    from actions
    inner join reserves
        on
            actions.chain_id = reserves.chain_id
            and actions.contract_address = reserves.market_address
            and actions.token_address = reserves.token_address
    union distinct
    select
        actions.chain_id, reserves.market_address, reserves.token_address,
        actions.block_number, actions.block_date, actions.log_index
    from actions
    inner join reserves
        on
            actions.chain_id = reserves.chain_id
            and actions.contract_address = reserves.atoken_address
    union distinct
    select
        chain_id, market_address, collateral_token_address as token_address,
        block_number, block_date, log_index
    from {{ ref('int_lending_aave_v3_liquidations') }}
    where {{ is_dirty_onward('block_date') }}

),

timeline as (

    select
        chain_id, market_address, token_address, block_number, block_date, log_index,
        {{ log_position('block_number', 'log_index') }} as log_position,
        cast(null as {{ dbt.type_bigint() }}) as price_position
    from asked
    union all
    select
        chain_id, market_address, token_address, block_number, block_date, log_index,
        log_position,
        log_position as price_position
    from prices

),

matched as (

    select
        *,
        max(price_position) over (
            partition by chain_id, market_address, token_address
            order by log_position
            rows between unbounded preceding and current row
        ) as price_in_force
    from timeline

),

final as (

    select
        matched.chain_id,
        matched.market_address,
        matched.token_address,
        matched.block_number,
        matched.block_date,
        matched.log_index,
        prices.price_raw
    from matched
    inner join prices
        on
            matched.chain_id = prices.chain_id
            and matched.market_address = prices.market_address
            and matched.token_address = prices.token_address
            and matched.price_in_force = prices.log_position
    inner join coverage
        on
            prices.chain_id = coverage.chain_id
            and prices.answer_block >= coverage.from_block
            and matched.block_number <= coverage.to_block
    where matched.price_position is null and prices.price_raw is not null

)

select * from final

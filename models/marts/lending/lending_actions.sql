{{
    config(
        materialized = 'incremental',
        incremental_strategy = replace_strategy(),
        on_schema_change = 'fail',
        partition_by = day_partition('block_date'),
        cluster_by = ['chain_id', 'market_address', 'account_address'],
        meta = aave_onward('block_date'),
        pre_hook = "{{ find_dirty_days() }}",
        post_hook = "{{ record_watermark(ref('int_dimension_changes')) }}",
    )
}}
with

actions as (

    select * from {{ ref('int_lending_aave_v3_actions') }}
    where {{ is_dirty_onward('block_date') }}

),

markets as (

    select * from {{ ref('int_lending_aave_v3_markets') }}

),

reserves as (

    select * from {{ ref('int_lending_aave_v3_reserves') }}

),

prices as (

    select * from {{ ref('int_lending_aave_v3_log_prices') }}
    where {{ is_dirty_onward('block_date') }}

),

-- Any contract may emit BalanceTransfer: only aTokens of a reserve count.
of_pools as (

    select
        actions.*,
        markets.market_address,
        actions.token_address as reserve_token_address
    from actions
    inner join markets
        on
            actions.chain_id = markets.chain_id
            and actions.contract_address = markets.market_address

),

of_tokens as (

    select
        actions.*,
        reserves.market_address,
        reserves.token_address as reserve_token_address
    from actions
    inner join reserves
        on
            actions.chain_id = reserves.chain_id
            and actions.contract_address = reserves.atoken_address

),

members as (

    select * from of_pools
    union all
    select * from of_tokens

),

valued as (

    select
        members.*,
        markets.protocol,
        markets.version,
        markets.market,
        markets.base_currency_unit_raw,
        reserves.symbol,
        reserves.decimals,
        prices.price_raw,
        {{ aave_base_value(
            'members.amount_raw', 'prices.price_raw', 'reserves.token_unit'
        ) | indent(8) }} as amount_base_raw
    from members
    inner join markets
        on
            members.chain_id = markets.chain_id
            and members.market_address = markets.market_address
    left outer join reserves
        on
            members.chain_id = reserves.chain_id
            and members.market_address = reserves.market_address
            and members.reserve_token_address = reserves.token_address
    left outer join prices
        on
            members.chain_id = prices.chain_id
            and members.market_address = prices.market_address
            and members.reserve_token_address = prices.token_address
            and members.block_number = prices.block_number
            and members.log_index = prices.log_index

),

final as (

    select
        chain_id,
        block_number,
        block_timestamp,
        block_date,
        tx_hash,
        tx_index,
        log_index,
        protocol,
        version,
        market,
        market_address,
        action,
        account_address,
        caller_address,
        counterparty_address,
        reserve_token_address as token_address,
        symbol,
        amount_raw,
        {{ to_human('amount_raw', 'decimals') | indent(8) }} as amount,
        {{ aave_base_to_usd('amount_base_raw', 'base_currency_unit_raw') | indent(8) }}
            as amount_usd,
        {{ safe_ratio('price_raw', 'base_currency_unit_raw') | indent(8) }} as oracle_price_usd,
        emode_category_id,
        is_paid_with_atokens
    from valued

)

select * from final

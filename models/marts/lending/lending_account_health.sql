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

markets as (

    select * from {{ ref('int_lending_aave_v3_markets') }}

),

points as (

    select * from {{ ref('int_lending_aave_v3_points') }}
    where is_daily and {{ is_dirty_onward('block_date') }}

),

states as (

    select
        account_states.*
    from {{ ref('int_lending_aave_v3_account_states') }} as account_states
    inner join points
        on {{ same_point('account_states', 'points') | indent(12) }}
    where {{ is_dirty_onward('account_states.block_date') }}

),

-- Where the history is incomplete the accounts that acted are named on that day, without state.
seen as (

    select distinct
        chain_id,
        market_address,
        account_address,
        block_date
    from {{ ref('lending_actions') }}
    where account_address is not null and {{ is_dirty_onward('block_date') }}

),

keys as (

    select chain_id, market_address, account_address, block_date from states
    union distinct
    select seen.chain_id, seen.market_address, seen.account_address, seen.block_date
    from seen
    inner join markets
        on
            seen.chain_id = markets.chain_id
            and seen.market_address = markets.market_address
    where markets.incomplete_reason is not null

),

final as (

    select
        keys.chain_id,
        markets.protocol,
        markets.version,
        markets.market,
        keys.market_address,
        keys.account_address,
        keys.block_date,
        points.as_of_block,
        points.as_of_timestamp,
        coalesce(points.is_head, false) as is_current,
        states.collateral_base_raw,
        states.debt_base_raw,
        states.available_borrows_base_raw,
        cast(states.liquidation_threshold_bps as {{ dbt.type_bigint() }})
            as liquidation_threshold_bps,
        cast(states.ltv_bps as {{ dbt.type_bigint() }}) as ltv_bps,
        states.health_factor_raw,
        {{ safe_ratio('states.health_factor_raw', exact_int('1000000000000000000')) | indent(8) }}
            as health_factor,
        {{ aave_base_to_usd(
            'states.collateral_base_raw', 'markets.base_currency_unit_raw'
        ) | indent(8) }} as collateral_usd,
        {{ aave_base_to_usd('states.debt_base_raw', 'markets.base_currency_unit_raw') | indent(8) }}
            as debt_usd,
        {{ aave_base_to_usd(
            'states.available_borrows_base_raw', 'markets.base_currency_unit_raw'
        ) | indent(8) }} as available_borrows_usd,
        states.emode_category_id,
        case
            when states.debt_base_raw = 0 then false
            else states.health_factor_raw < {{ exact_int('1000000000000000000') }}
        end as is_liquidatable,
        coalesce(markets.incomplete_reason, states.incomplete_reason) as incomplete_reason
    from keys
    inner join markets
        on
            keys.chain_id = markets.chain_id
            and keys.market_address = markets.market_address
    left outer join points
        on
            keys.chain_id = points.chain_id
            and keys.market_address = points.market_address
            and keys.block_date = points.block_date
    left outer join states
        on
            keys.chain_id = states.chain_id
            and keys.market_address = states.market_address
            and keys.account_address = states.account_address
            and keys.block_date = states.block_date

)

select * from final

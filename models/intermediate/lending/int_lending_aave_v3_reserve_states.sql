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
-- Everything about every reserve at every point. Totals and accrued indexes only where the market's history is
-- complete; the value of a market's own oracle is in its base currency.
with

markets as (

    select * from {{ ref('int_lending_aave_v3_markets') }}

),

points as (

    select * from {{ ref('int_lending_aave_v3_points') }}
    where {{ is_dirty_onward('block_date') }}

),

reserves as (

    select * from {{ ref('int_lending_aave_v3_reserves') }}

),

accruals as (

    select * from {{ ref('int_lending_aave_v3_reserve_accruals') }}
    where {{ is_dirty_onward('block_date') }}

),

settings as (

    select * from {{ ref('int_lending_aave_v3_settings_at_points') }}
    where {{ is_dirty_onward('block_date') }}

),

totals as (

    select
        points.chain_id,
        points.market_address,
        points.as_of_block,
        points.as_of_timestamp,
        totals.token_address,
        sum(case when totals.side = 'supply' then totals.scaled_total_raw end) as scaled_supply_raw,
        sum(case when totals.side = 'debt' then totals.scaled_total_raw end) as scaled_debt_raw
    from points
    inner join {{ ref('int_lending_aave_v3_reserve_totals') }} as totals
        on
            points.chain_id = totals.chain_id
            and points.market_address = totals.market_address
            and {{ holds_at('totals', 'points') | indent(12) }}
    where {{ is_dirty_onward('totals.closed_date') }}
    group by
        points.chain_id,
        points.market_address,
        points.as_of_block,
        points.as_of_timestamp,
        totals.token_address

),

prices as (

    select * from {{ ref('int_lending_aave_v3_prices_at_points') }}
    where {{ is_dirty_onward('block_date') }}

),

final as (

    select
        points.chain_id,
        points.market_address,
        points.as_of_block,
        points.as_of_timestamp,
        points.block_date,
        points.is_daily,
        points.is_head,
        points.is_pinned,
        accruals.token_address,
        reserves.symbol,
        reserves.decimals,
        reserves.token_unit,
        reserves.atoken_address,
        reserves.variable_debt_token_address,
        accruals.last_update_timestamp,
        accruals.liquidity_rate_raw,
        accruals.variable_borrow_rate_raw,
        accruals.liquidity_index_raw,
        accruals.variable_borrow_index_raw,
        case when markets.incomplete_reason is null then accruals.normalized_income_raw end
            as normalized_income_raw,
        case when markets.incomplete_reason is null then accruals.normalized_debt_raw end
            as normalized_debt_raw,
        case
            when markets.incomplete_reason is null
                then coalesce(totals.scaled_supply_raw, {{ exact_int(0) }})
        end as scaled_supply_raw,
        case
            when markets.incomplete_reason is null
                then coalesce(totals.scaled_debt_raw, {{ exact_int(0) }})
        end as scaled_debt_raw,
        prices.price_raw,
        markets.base_currency_unit_raw,
        {% for setting in [
            'ltv_bps', 'liquidation_threshold_bps', 'liquidation_bonus_bps', 'reserve_factor_bps',
            'liquidation_protocol_fee_bps', 'supply_cap', 'borrow_cap',
            'is_active', 'is_frozen', 'is_paused', 'is_borrowable',
        ] -%}
        settings.{{ setting }},
        {% endfor -%}
        markets.incomplete_reason
    from accruals
    inner join points
        on {{ same_point('accruals', 'points') | indent(12) }}
    inner join markets
        on
            accruals.chain_id = markets.chain_id
            and accruals.market_address = markets.market_address
    inner join reserves
        on
            accruals.chain_id = reserves.chain_id
            and accruals.market_address = reserves.market_address
            and accruals.token_address = reserves.token_address
    left outer join totals
        on {{ same_point('accruals', 'totals', ['token_address']) | indent(12) }}
    left outer join prices
        on {{ same_point('accruals', 'prices', ['token_address']) | indent(12) }}
    left outer join settings
        on {{ same_point('accruals', 'settings', ['token_address']) | indent(12) }}

)

select * from final

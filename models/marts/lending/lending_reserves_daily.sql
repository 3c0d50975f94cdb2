{{
    config(
        materialized = 'incremental',
        incremental_strategy = replace_strategy(),
        on_schema_change = 'fail',
        partition_by = day_partition('block_date'),
        cluster_by = ['chain_id', 'market_address', 'token_address'],
        meta = aave_onward('block_date'),
        pre_hook = "{{ find_dirty_days() }}",
        post_hook = "{{ record_watermark(ref('int_dimension_changes')) }}",
    )
}}
with

markets as (

    select * from {{ ref('int_lending_aave_v3_markets') }}

),

states as (

    select * from {{ ref('int_lending_aave_v3_reserve_states') }}
    where is_daily and {{ is_dirty_onward('block_date') }}

),

accrued as (

    select
        states.*,
        {{ ray_mul('states.scaled_supply_raw', 'states.normalized_income_raw') | indent(8) }}
            as supply_raw,
        {{ ray_mul('states.scaled_debt_raw', 'states.normalized_debt_raw') | indent(8) }}
            as debt_raw
    from states

),

valued as (

    select
        *,
        {{ aave_base_value('supply_raw', 'price_raw', 'token_unit') | indent(8) }}
            as supply_base_raw,
        {{ aave_base_value('debt_raw', 'price_raw', 'token_unit') | indent(8) }} as debt_base_raw,
        {{ safe_ratio('liquidity_rate_raw', ray()) }} as supply_apr,
        {{ safe_ratio('variable_borrow_rate_raw', ray()) }} as borrow_apr
    from accrued

),

final as (

    select
        valued.chain_id,
        markets.protocol,
        markets.version,
        markets.market,
        valued.market_address,
        valued.token_address,
        valued.symbol,
        valued.block_date,
        valued.as_of_block,
        valued.as_of_timestamp,
        valued.is_head as is_current,
        valued.scaled_supply_raw,
        valued.scaled_debt_raw,
        valued.liquidity_index_raw,
        valued.variable_borrow_index_raw,
        valued.last_update_timestamp,
        valued.normalized_income_raw,
        valued.normalized_debt_raw,
        valued.supply_raw,
        valued.debt_raw,
        {{ to_human('valued.supply_raw', 'valued.decimals') | indent(8) }} as supply,
        {{ to_human('valued.debt_raw', 'valued.decimals') | indent(8) }} as debt,
        {{ aave_base_to_usd(
            'valued.supply_base_raw', 'valued.base_currency_unit_raw'
        ) | indent(8) }} as supply_usd,
        {{ aave_base_to_usd('valued.debt_base_raw', 'valued.base_currency_unit_raw') | indent(8) }}
            as debt_usd,
        {{ safe_ratio('valued.price_raw', 'valued.base_currency_unit_raw') | indent(8) }}
            as oracle_price_usd,
        {{ safe_ratio('valued.debt_raw', 'valued.supply_raw') | indent(8) }} as utilisation_ratio,
        valued.supply_apr,
        {{ aave_apy('valued.supply_apr') }} as supply_apy,
        valued.borrow_apr,
        {{ aave_apy('valued.borrow_apr') }} as borrow_apy,
        {% for setting in [
            'ltv_bps', 'liquidation_threshold_bps', 'liquidation_bonus_bps', 'reserve_factor_bps',
            'liquidation_protocol_fee_bps',
        ] -%}
        cast(valued.{{ setting }} as {{ dbt.type_bigint() }}) as {{ setting }},
        {% endfor -%}
        valued.supply_cap as supply_cap_tokens,
        valued.borrow_cap as borrow_cap_tokens,
        {% for switch in ['is_active', 'is_frozen', 'is_paused', 'is_borrowable'] -%}
        valued.{{ switch }} = {{ exact_int(1) }} as {{ switch }},
        {% endfor -%}
        valued.incomplete_reason
    from valued
    inner join markets
        on
            valued.chain_id = markets.chain_id
            and valued.market_address = markets.market_address

)

select * from final

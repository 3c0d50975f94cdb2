{%- set checks = [
    'int_quality_ingestion_logs',
    'int_quality_ingestion_ranges',
    'int_quality_ingestion_order',
    'int_quality_ingestion_decoding',
    'int_quality_ingestion_integers',
    'int_quality_dex_creations',
    'int_quality_dex_pool_registry',
    'int_quality_dex_v2_reserve_chain',
    'int_quality_dex_v2_invariant',
    'int_quality_dex_v3_liquidity',
    'int_quality_dex_v3_tick_sums',
    'int_quality_dex_swap_transfers',
    'int_quality_dex_v2_reserves',
    'int_quality_dex_v3_prices',
    'int_quality_dex_v3_active_liquidity',
    'int_quality_dex_v3_token_balances',
    'int_quality_dex_v3_positions',
    'int_quality_dex_v2_share_supplies',
    'int_quality_dex_v2_share_holders',
    'int_quality_dex_pool_constants',
    'int_quality_dex_v4_liquidity',
    'int_quality_dex_v4_prices',
    'int_quality_dex_v4_active_liquidity',
    'int_quality_dex_v4_positions',
    'int_quality_dex_v4_protocol_fees',
    'int_quality_lending_index_recursion',
    'int_quality_lending_scaled_sums',
    'int_quality_lending_liquidation_legs',
    'int_quality_lending_liquidations',
    'int_quality_lending_risk_parameters',
    'int_quality_lending_action_sums',
    'int_quality_lending_flash_loans',
    'int_quality_lending_reconciliation',
    'int_quality_dex_balancer_v2_balances',
    'int_quality_lending_morpho_blue_totals',
    'int_quality_lending_morpho_blue_state',
] %}

-- What every check found: their union, on which `data_invariants` and the sums per mart rest.
with

unioned as (

    {% for check in checks -%}
    select
        invariant_id,
        mart,
        chain_id,
        entity,
        status,
        cast(checked_count as int64) as checked_count,
        cast(failed_count as int64) as failed_count,
        first_failed_block,
        cast(expected_value as {{ dbt.type_string() }}) as expected_value,
        cast(actual_value as {{ dbt.type_string() }}) as actual_value,
        as_of_block
    from {{ ref(check) }}
    {{ 'union all' if not loop.last }}
    {% endfor -%}

)

select * from unioned

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
{%- set sides = {'collateral': 'collateral_token_address', 'debt': 'debt_token_address'} %}

with

liquidations as (

    select
        *,
        collateral_amount_raw + protocol_fee_raw as seized_amount_raw
    from {{ ref('int_lending_aave_v3_liquidations') }}
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

accounts as (

    select * from {{ ref('int_lending_aave_v3_liquidation_accounts') }}
    where {{ is_dirty_onward('block_date') }}

),

described as (

    select
        {% for side in sides -%}
        {{ side }}_reserves.symbol as {{ side }}_symbol,
        {{ side }}_reserves.decimals as {{ side }}_decimals,
        {{ side }}_reserves.token_unit as {{ side }}_unit,
        {{ side }}_prices.price_raw as {{ side }}_price_raw,
        {% endfor -%}
        liquidations.*
    from liquidations
    {% for side, token in sides.items() -%}
    left outer join reserves as {{ side }}_reserves
        on
            liquidations.chain_id = {{ side }}_reserves.chain_id
            and liquidations.market_address = {{ side }}_reserves.market_address
            and liquidations.{{ token }} = {{ side }}_reserves.token_address
    left outer join prices as {{ side }}_prices
        on
            liquidations.chain_id = {{ side }}_prices.chain_id
            and liquidations.market_address = {{ side }}_prices.market_address
            and liquidations.{{ token }} = {{ side }}_prices.token_address
            and liquidations.block_number = {{ side }}_prices.block_number
            and liquidations.log_index = {{ side }}_prices.log_index
    {% endfor %}

),

valued as (

    select
        *,
        {{ aave_base_value('collateral_amount_raw', 'collateral_price_raw', 'collateral_unit')
            | indent(8) }} as collateral_base_raw,
        {{ aave_base_value('protocol_fee_raw', 'collateral_price_raw', 'collateral_unit')
            | indent(8) }} as fee_base_raw,
        {{ aave_base_value('seized_amount_raw', 'collateral_price_raw', 'collateral_unit')
            | indent(8) }} as seized_base_raw,
        {{ aave_base_value('debt_amount_raw', 'debt_price_raw', 'debt_unit') | indent(8) }}
            as debt_base_raw
    from described

),

final as (

    select
        valued.chain_id,
        valued.block_number,
        valued.block_timestamp,
        valued.block_date,
        valued.tx_hash,
        valued.tx_index,
        valued.log_index,
        markets.protocol,
        markets.version,
        markets.market,
        valued.market_address,
        valued.account_address,
        valued.liquidator_address,
        valued.collateral_token_address,
        valued.collateral_symbol,
        valued.debt_token_address,
        valued.debt_symbol,
        valued.is_atoken_received,
        valued.debt_amount_raw,
        {{ to_human('valued.debt_amount_raw', 'valued.debt_decimals') | indent(8) }} as debt_amount,
        {{ aave_base_to_usd('valued.debt_base_raw', 'markets.base_currency_unit_raw') | indent(8) }}
            as debt_usd,
        valued.collateral_amount_raw,
        {{ to_human('valued.collateral_amount_raw', 'valued.collateral_decimals') | indent(8) }}
            as collateral_amount,
        {{ aave_base_to_usd('valued.collateral_base_raw', 'markets.base_currency_unit_raw')
            | indent(8) }} as collateral_usd,
        valued.protocol_fee_raw,
        {{ to_human('valued.protocol_fee_raw', 'valued.collateral_decimals') | indent(8) }}
            as protocol_fee,
        {{ aave_base_to_usd('valued.fee_base_raw', 'markets.base_currency_unit_raw') | indent(8) }}
            as protocol_fee_usd,
        valued.seized_amount_raw,
        {{ safe_ratio('valued.seized_base_raw', 'valued.debt_base_raw') | indent(8) }} - 1
            as bonus_ratio,
        {{ safe_ratio('valued.collateral_base_raw', 'valued.debt_base_raw') | indent(8) }} - 1
            as liquidator_bonus_ratio,
        accounts.health_factor_raw as health_factor_before_raw,
        {{ safe_ratio('accounts.health_factor_raw', exact_int('1000000000000000000')) | indent(8) }}
            as health_factor_before
    from valued
    inner join markets
        on
            valued.chain_id = markets.chain_id
            and valued.market_address = markets.market_address
    left outer join accounts
        on
            valued.chain_id = accounts.chain_id
            and valued.block_number = accounts.block_number
            and valued.log_index = accounts.log_index

)

select * from final

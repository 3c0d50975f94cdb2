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
-- Every position of each liquidated account just before the liquidation, valued by the oracle's price and with the
-- parameters in force at that log.
{%- set settings = [
    'ltv_bps', 'liquidation_threshold_bps', 'liquidation_bonus_bps', 'liquidation_protocol_fee_bps',
] %}

with

balances as (

    select * from {{ ref('int_lending_aave_v3_liquidation_balances') }}
    where {{ is_dirty_onward('block_date') }}

),

reserves as (

    select * from {{ ref('int_lending_aave_v3_reserves') }}

),

coverage as (

    select * from {{ ref('int_ledger_family_coverage') }}
    where family = 'chainlink'

),

{% for name, model, keys, is_closed in [
    ('prices', 'prices', ['token_address'], true),
    ('settings', 'reserve_settings', ['token_address', 'setting'], false),
    ('flags', 'collateral_flags', ['token_address', 'account_address'], true),
    ('account_emodes', 'account_emodes', ['account_address'], true),
    ('members', 'emode_assets', ['token_address', 'emode_category_id'], false),
    ('categories', 'emode_categories', ['emode_category_id'], false),
] -%}
{{ name }} as (

    {{ rows_by_position(
        'int_lending_aave_v3_' ~ model, ['chain_id', 'market_address'] + keys, is_closed
    ) | indent(4) }}

),

{% endfor -%}

applied_settings as (

    select
        balances.chain_id,
        balances.block_number,
        balances.log_index,
        {% for setting in settings -%}
        max(case when settings.setting = '{{ setting }}' then settings.setting_value end)
            as {{ setting }},
        {% endfor -%}
        balances.token_address
    from balances
    inner join settings
        on
            balances.chain_id = settings.chain_id
            and balances.market_address = settings.market_address
            and balances.token_address = settings.token_address
            and {{ holds_before('settings', 'balances.start_position') | indent(12) }}
    group by
        balances.chain_id, balances.block_number, balances.log_index, balances.token_address

),

-- Between an answer and the liquidation every block of the oracles must be loaded, else a newer one may be missing.
priced as (

    select
        balances.*,
        case when coverage.chain_id is not null then prices.price_raw end as price_raw,
        coalesce(flags.is_collateral, false) as is_collateral,
        coalesce(account_emodes.emode_category_id, 0) as emode_category_id,
        {% for setting in settings -%}
        applied_settings.{{ setting }} as reserve_{{ setting }},
        {% endfor -%}
        reserves.token_unit
    from balances
    inner join reserves
        on
            balances.chain_id = reserves.chain_id
            and balances.market_address = reserves.market_address
            and balances.token_address = reserves.token_address
    left outer join prices
        on
            balances.chain_id = prices.chain_id
            and balances.market_address = prices.market_address
            and balances.token_address = prices.token_address
            and {{ holds_before('prices', 'balances.start_position') | indent(12) }}
    left outer join coverage
        on
            prices.chain_id = coverage.chain_id
            and prices.answer_block >= coverage.from_block
            and balances.block_number <= coverage.to_block
    left outer join flags
        on
            balances.chain_id = flags.chain_id
            and balances.market_address = flags.market_address
            and balances.token_address = flags.token_address
            and balances.account_address = flags.account_address
            and {{ holds_before('flags', 'balances.start_position') | indent(12) }}
    left outer join account_emodes
        on
            balances.chain_id = account_emodes.chain_id
            and balances.market_address = account_emodes.market_address
            and balances.account_address = account_emodes.account_address
            and {{ holds_before('account_emodes', 'balances.start_position') | indent(12) }}
    left outer join applied_settings
        on
            balances.chain_id = applied_settings.chain_id
            and balances.block_number = applied_settings.block_number
            and balances.log_index = applied_settings.log_index
            and balances.token_address = applied_settings.token_address

),

final as (

    select
        priced.*,
        {{ aave_base_value('priced.supply_raw', 'priced.price_raw', 'priced.token_unit')
            | indent(8) }} as supply_base_raw,
        {{ aave_base_value('priced.debt_raw', 'priced.price_raw', 'priced.token_unit')
            | indent(8) }} as debt_base_raw,
        coalesce(members.is_member, false) as is_emode_asset,
        categories.ltv_bps as emode_ltv_bps,
        categories.liquidation_threshold_bps as emode_liquidation_threshold_bps,
        categories.liquidation_bonus_bps as emode_liquidation_bonus_bps,
        coalesce(categories.has_own_price_source, false) as has_emode_price_source
    from priced
    left outer join members
        on
            priced.chain_id = members.chain_id
            and priced.market_address = members.market_address
            and priced.token_address = members.token_address
            and priced.emode_category_id = members.emode_category_id
            and {{ holds_before('members', 'priced.start_position') | indent(12) }}
    left outer join categories
        on
            priced.chain_id = categories.chain_id
            and priced.market_address = categories.market_address
            and priced.emode_category_id = categories.emode_category_id
            and {{ holds_before('categories', 'priced.start_position') | indent(12) }}

)

select * from final

{{
    config(
        materialized = 'incremental',
        incremental_strategy = replace_strategy(),
        partition_by = day_partition('block_date'),
        cluster_by = ['chain_id', 'market_address', 'account_address'],
        meta = aave_onward('block_date'),
        pre_hook = "{{ find_dirty_days() }}",
        post_hook = "{{ record_watermark(ref('int_dimension_changes')) }}",
    )
}}
-- Every position (account and reserve) at every point of the markets whose history is complete: balances accrued to
-- the point and valued by the market's oracle, and the parameters that apply to the account. A position that is
-- empty appears at the head alone.
with

reserve_states as (

    select * from {{ ref('int_lending_aave_v3_reserve_states') }}
    where incomplete_reason is null and {{ is_dirty_onward('block_date') }}

),

held as (

    select * from {{ ref('int_lending_aave_v3_balances_at_points') }}
    where {{ is_dirty_onward('block_date') }}

),

flags as (

    select * from {{ ref('int_lending_aave_v3_collateral_flags') }}
    where {{ is_dirty_onward('closed_date') }}

),

account_emodes as (

    select * from {{ ref('int_lending_aave_v3_account_emodes') }}
    where {{ is_dirty_onward('closed_date') }}

),

accrued as (

    select
        held.chain_id,
        held.market_address,
        held.as_of_block,
        held.as_of_timestamp,
        held.block_date,
        held.account_address,
        held.token_address,
        held.scaled_supply_raw,
        held.scaled_debt_raw,
        {{ ray_mul('held.scaled_supply_raw', 'reserve_states.normalized_income_raw') | indent(8) }}
            as supply_raw,
        {{ ray_mul('held.scaled_debt_raw', 'reserve_states.normalized_debt_raw') | indent(8) }}
            as debt_raw,
        reserve_states.price_raw,
        reserve_states.token_unit,
        reserve_states.ltv_bps,
        reserve_states.liquidation_threshold_bps,
        coalesce(flags.is_collateral, false) as is_collateral,
        coalesce(account_emodes.emode_category_id, 0) as emode_category_id
    from held
    inner join reserve_states
        on {{ same_point('held', 'reserve_states', ['token_address']) | indent(12) }}
    left outer join flags
        on
            held.chain_id = flags.chain_id
            and held.market_address = flags.market_address
            and held.token_address = flags.token_address
            and held.account_address = flags.account_address
            and {{ holds_at('flags', 'held') | indent(12) }}
    left outer join account_emodes
        on
            held.chain_id = account_emodes.chain_id
            and held.market_address = account_emodes.market_address
            and held.account_address = account_emodes.account_address
            and {{ holds_at('account_emodes', 'held') | indent(12) }}

),

final as (

    select
        accrued.chain_id,
        accrued.market_address,
        accrued.as_of_block,
        accrued.as_of_timestamp,
        accrued.block_date,
        accrued.account_address,
        accrued.token_address,
        accrued.scaled_supply_raw,
        accrued.scaled_debt_raw,
        accrued.supply_raw,
        accrued.debt_raw,
        {{ aave_base_value(
            'accrued.supply_raw', 'accrued.price_raw', 'accrued.token_unit'
        ) | indent(8) }} as supply_base_raw,
        {{ aave_base_value(
            'accrued.debt_raw', 'accrued.price_raw', 'accrued.token_unit'
        ) | indent(8) }} as debt_base_raw,
        accrued.is_collateral,
        accrued.emode_category_id,
        accrued.ltv_bps as reserve_ltv_bps,
        accrued.liquidation_threshold_bps as reserve_liquidation_threshold_bps,
        coalesce(members.is_member, false) as is_emode_asset,
        categories.ltv_bps as emode_ltv_bps,
        categories.liquidation_threshold_bps as emode_liquidation_threshold_bps,
        coalesce(categories.has_own_price_source, false) as has_emode_price_source
    from accrued
    left outer join {{ ref('int_lending_aave_v3_emode_assets') }} as members
        on
            accrued.chain_id = members.chain_id
            and accrued.market_address = members.market_address
            and accrued.token_address = members.token_address
            and accrued.emode_category_id = members.emode_category_id
            and {{ holds_at('members', 'accrued') | indent(12) }}
    left outer join {{ ref('int_lending_aave_v3_emode_categories') }} as categories
        on
            accrued.chain_id = categories.chain_id
            and accrued.market_address = categories.market_address
            and accrued.emode_category_id = categories.emode_category_id
            and {{ holds_at('categories', 'accrued') | indent(12) }}

)

select * from final

-- What each liquidation should have given to the liquidator, from the debt repaid, the prices, the bonus and the
-- protocol's fee just before it: Aave's _calculateAvailableCollateralToLiquidate.
with

points as (

    select * from {{ ref('int_lending_aave_v3_liquidation_points') }}

),

positions as (

    select * from {{ ref('int_lending_aave_v3_liquidation_positions') }}

),

terms as (

    select
        points.chain_id,
        points.market_address,
        points.block_number,
        points.log_index,
        points.collateral_amount_raw,
        points.debt_amount_raw,
        collaterals.supply_raw as collateral_balance_raw,
        collaterals.account_address is not null and debts.account_address is not null
            as has_positions,
        collaterals.price_raw is not null and debts.price_raw is not null
        and not (collaterals.is_emode_asset and collaterals.has_emode_price_source) as is_priced,
        case
            when collaterals.is_emode_asset then collaterals.emode_liquidation_bonus_bps
            else collaterals.reserve_liquidation_bonus_bps
        end as bonus_bps,
        coalesce(collaterals.reserve_liquidation_protocol_fee_bps, {{ exact_int(0) }}) as fee_bps,
        -- amount * price * unit / (price * unit), with the units' common powers of ten taken out.
        debts.price_raw * greatest(
            {{ int_div('collaterals.token_unit', 'debts.token_unit') }}, {{ exact_int(1) }}
        ) as debt_price_raw,
        collaterals.price_raw * greatest(
            {{ int_div('debts.token_unit', 'collaterals.token_unit') }}, {{ exact_int(1) }}
        ) as collateral_price_raw
    from points
    {% for side, token in [('collaterals', 'collateral'), ('debts', 'debt')] -%}
    left outer join positions as {{ side }}
        on
            points.chain_id = {{ side }}.chain_id
            and points.block_number = {{ side }}.block_number
            and points.log_index = {{ side }}.log_index
            and points.{{ token }}_token_address = {{ side }}.token_address
    {% endfor %}

),

exchanged as (

    select
        *,
        {{ aave_base_value('debt_amount_raw', 'debt_price_raw', 'collateral_price_raw')
            | indent(8) }} as bare_collateral_raw,
        {{ aave_base_value('collateral_balance_raw', 'collateral_price_raw', 'debt_price_raw')
            | indent(8) }} as bare_debt_raw
    from terms

),

grossed as (

    select
        *,
        {{ percent_mul('bare_collateral_raw', 'bonus_bps') }} as seized_by_debt_raw,
        {{ percent_div('bare_debt_raw', 'bonus_bps') }} as debt_by_collateral_raw
    from exchanged

),

-- The debt decides what is seized, or, where it would take more than there is, all of the collateral decides what
-- is repaid.
options as (

    select
        *,
        seized_by_debt_raw as seized_raw,
        0 as is_capped
    from grossed
    union all
    select
        *,
        collateral_balance_raw as seized_raw,
        1 as is_capped
    from grossed
    where debt_by_collateral_raw = debt_amount_raw

),

bonuses as (

    select
        *,
        seized_raw - {{ percent_div('seized_raw', 'bonus_bps') }} as bonus_raw
    from options

),

netted as (

    select
        *,
        seized_raw - {{ percent_mul('bonus_raw', 'fee_bps') }} as expected_collateral_raw
    from bonuses

),

final as (

    select
        chain_id,
        market_address,
        block_number,
        log_index,
        collateral_amount_raw,
        has_positions,
        is_priced,
        is_capped = 1 as is_capped,
        expected_collateral_raw
    from netted
    qualify row_number() over (
        partition by chain_id, block_number, log_index
        order by
            case when collateral_amount_raw = expected_collateral_raw then 0 else 1 end,
            is_capped
    ) = 1

)

select * from final

{#- CTEs that end in `final`: getUserAccountData of each account of `relation` (positions with their values and
    parameters, one row per `keys` and token), in the order and with the roundings of
    GenericLogic.calculateUserAccountData up to pool revision 7. -#}
{% macro aave_account_data(relation, keys) -%}
-- Whether a reserve counts at all, and whether its loan to value is zero, is read from the reserve itself even
-- where a category's parameters then apply.
applied as (

    select
        *,
        is_collateral and scaled_supply_raw != 0
        and coalesce(reserve_liquidation_threshold_bps, {{ exact_int(0) }}) != 0 as is_counted,
        case
            when coalesce(reserve_ltv_bps, {{ exact_int(0) }}) = 0 then {{ exact_int(0) }}
            when is_emode_asset then emode_ltv_bps
            else reserve_ltv_bps
        end as ltv_bps,
        case
            when is_emode_asset then emode_liquidation_threshold_bps
            else reserve_liquidation_threshold_bps
        end as liquidation_threshold_bps
    from {{ relation }}

),

summed as (

    select
        {% for key in keys -%}
        {{ key }},
        {% endfor -%}
        max(emode_category_id) as emode_category_id,
        sum(case when is_counted then supply_base_raw else {{ exact_int(0) }} end)
            as collateral_base_raw,
        sum(debt_base_raw) as debt_base_raw,
        sum(case when is_counted then supply_base_raw * ltv_bps else {{ exact_int(0) }} end)
            as weighted_ltv,
        sum(
            case
                when is_counted then supply_base_raw * liquidation_threshold_bps
                else {{ exact_int(0) }}
            end
        ) as weighted_threshold,
        max(
            case
                when is_counted and supply_base_raw is null then 1
                when scaled_debt_raw != 0 and debt_base_raw is null then 1
                else 0
            end
        ) as has_unvalued,
        max(case when is_emode_asset and has_emode_price_source then 1 else 0 end)
            as has_emode_price_source
    from applied
    group by {{ keys | join(', ') }}

),

reasoned as (

    select
        *,
        case
            when has_emode_price_source = 1 then 'emode_price_source_unsupported'
            when has_unvalued = 1 then 'price_unknown'
            when collateral_base_raw > {{ exact_int('170000000000000000000') }}
                then 'value_out_of_range'
        end as incomplete_reason
    from summed

),

averaged as (

    select
        *,
        case
            when collateral_base_raw = 0 then {{ exact_int(0) }}
            else {{ int_div('weighted_ltv', 'nullif(collateral_base_raw, 0)') }}
        end as ltv_bps,
        case
            when collateral_base_raw = 0 then {{ exact_int(0) }}
            else {{ int_div('weighted_threshold', 'nullif(collateral_base_raw, 0)') }}
        end as liquidation_threshold_bps
    from reasoned

),

capacities as (

    select
        *,
        {{ percent_mul('collateral_base_raw', 'ltv_bps') }} as borrow_capacity_base_raw,
        {{ percent_mul('collateral_base_raw', 'liquidation_threshold_bps') }}
            as liquidation_capacity_base_raw
    from averaged

),

final as (

    select
        {% for key in keys -%}
        {{ key }},
        {% endfor -%}
        emode_category_id,
        incomplete_reason,
        {% for column in [
            'collateral_base_raw', 'debt_base_raw', 'liquidation_threshold_bps', 'ltv_bps'
        ] -%}
        case when incomplete_reason is null then {{ column }} end as {{ column }},
        {% endfor -%}
        case
            when incomplete_reason is null
                then greatest(borrow_capacity_base_raw - debt_base_raw, {{ exact_int(0) }})
        end as available_borrows_base_raw,
        case
            when incomplete_reason is null
                then {{ wad_div('liquidation_capacity_base_raw', 'debt_base_raw') | indent(16) }}
        end as health_factor_raw
    from capacities

)
{%- endmacro %}

-- A11: what may be borrowed is liquidatable in time, a liquidator earns a bonus, and at the threshold there is enough
-- collateral to pay it; of each configuration of a reserve and of an eMode category, as the contract requires them.
with

markets as (

    select * from {{ ref('int_lending_aave_v3_markets') }}

),

configurations as (

    select
        chain_id, configurator_address, block_number, log_index, token_address as detail,
        ltv_bps, liquidation_threshold_bps, liquidation_bonus_bps
    from {{ ref('stg_aave_v3__configurator_collateral_configuration_changed') }}
    union all
    select
        chain_id, configurator_address, block_number, log_index,
        {{ dbt.concat(["'category '", int_to_text('emode_category_id')]) }} as detail,
        ltv_bps, liquidation_threshold_bps, liquidation_bonus_bps
    from {{ ref('stg_aave_v3__configurator_emode_category_added') }}

),

stated as (

    select
        markets.chain_id,
        markets.market_address,
        configurations.block_number,
        configurations.log_index,
        configurations.detail,
        configurations.ltv_bps,
        configurations.liquidation_threshold_bps,
        configurations.liquidation_bonus_bps,
        {{ percent_mul(
            'configurations.liquidation_threshold_bps', 'configurations.liquidation_bonus_bps'
        ) | indent(8) }} as needed_bps
    from configurations
    inner join markets
        on
            configurations.chain_id = markets.chain_id
            and configurations.configurator_address = markets.configurator_address

),

asked as (

    select
        chain_id,
        market_address as entity
    from stated

),

-- A reserve without threshold is no collateral and has no bonus.
checked as (

    select
        chain_id,
        market_address as entity,
        block_number,
        log_index,
        'ltv <= threshold, bonus > 10000, threshold * bonus <= 10000'
            as expected_value,
        {{ dbt.concat([
            'detail', "': '", int_to_text('ltv_bps'), "', '", int_to_text('liquidation_threshold_bps'), "', '",
            int_to_text('liquidation_bonus_bps'),
        ]) }} as actual_value,
        not coalesce(
            ltv_bps <= liquidation_threshold_bps
            and (
                (liquidation_threshold_bps = 0 and liquidation_bonus_bps = 0)
                or (
                    liquidation_threshold_bps > 0
                    and liquidation_bonus_bps > 10000
                    and needed_bps <= 10000
                )
            ),
            false
        ) as is_failed
    from stated

),

{{ market_check_rows('A11', 'lending_account_health', needs_history=false) }}

select * from final

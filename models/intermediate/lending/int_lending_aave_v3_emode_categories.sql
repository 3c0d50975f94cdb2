-- Every version of every eMode category.
with

markets as (

    select * from {{ ref('int_lending_aave_v3_markets') }}

),

stated as (

    select
        markets.chain_id,
        markets.market_address,
        events.emode_category_id,
        events.label,
        events.ltv_bps,
        events.liquidation_threshold_bps,
        events.liquidation_bonus_bps,
        events.price_source_address != {{ zero_address() }}
            as has_own_price_source,
        events.block_number,
        events.block_date,
        events.log_index
    from {{ ref('stg_aave_v3__configurator_emode_category_added') }} as events
    inner join markets
        on
            events.chain_id = markets.chain_id
            and events.configurator_address = markets.configurator_address

),

final as (

    select
        stated.*,
        {{ until_block('stated', ['chain_id', 'market_address', 'emode_category_id']) | indent(8) }}
            as until_block
    from stated

)

select * from final

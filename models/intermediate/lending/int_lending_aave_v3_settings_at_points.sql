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
-- Settings of every reserve at every point, one column each. NULL: never stated in the loaded logs.
{%- set settings = [
    'ltv_bps', 'liquidation_threshold_bps', 'liquidation_bonus_bps', 'reserve_factor_bps',
    'liquidation_protocol_fee_bps', 'supply_cap', 'borrow_cap',
    'is_active', 'is_frozen', 'is_paused', 'is_borrowable',
] %}

with

points as (

    select * from {{ ref('int_lending_aave_v3_points') }}
    where {{ is_dirty_onward('block_date') }}

),

settings as (

    select * from {{ ref('int_lending_aave_v3_reserve_settings') }}

),

final as (

    select
        points.chain_id,
        points.market_address,
        points.as_of_block,
        points.as_of_timestamp,
        points.block_date,
        {% for setting in settings -%}
        max(case when settings.setting = '{{ setting }}' then settings.setting_value end)
            as {{ setting }},
        {% endfor -%}
        settings.token_address
    from points
    inner join settings
        on
            points.chain_id = settings.chain_id
            and points.market_address = settings.market_address
            and {{ holds_at('settings', 'points') | indent(12) }}
    group by
        points.chain_id,
        points.market_address,
        points.as_of_block,
        points.as_of_timestamp,
        points.block_date,
        settings.token_address

)

select * from final

-- Every value a reserve's setting ever had, in the units of its event. One table for all settings: a new one
-- is a row of the lists below.
{%- set changes = {
    'ReserveFactorChanged': ('reserve_factor_bps', 'new_reserve_factor'),
    'SupplyCapChanged': ('supply_cap', 'new_supply_cap'),
    'BorrowCapChanged': ('borrow_cap', 'new_borrow_cap'),
    'LiquidationProtocolFeeChanged': ('liquidation_protocol_fee_bps', 'new_fee'),
} -%}
{%- set switches = {
    'ReserveActive': ('is_active', 'active'),
    'ReserveFrozen': ('is_frozen', 'frozen'),
    'ReservePaused': ('is_paused', 'paused'),
    'ReserveBorrowing': ('is_borrowable', 'enabled'),
} -%}
{%- set collateral_settings = ['ltv_bps', 'liquidation_threshold_bps', 'liquidation_bonus_bps'] %}

with

markets as (

    select * from {{ ref('int_lending_aave_v3_markets') }}

),

collateral_changes as (

    select * from {{ ref('stg_aave_v3__configurator_collateral_configuration_changed') }}

),

configuration as (

    select * from {{ ref('stg_aave_v3__configuration') }}
    where event_role = 'configurator'

),

stated as (

    {% for setting in collateral_settings %}
    select
        chain_id,
        configurator_address,
        token_address,
        '{{ setting }}' as setting,
        {{ setting }} as setting_value,
        block_number,
        block_date,
        log_index
    from collateral_changes
    union all
    {% endfor %}
    {% for event, (setting, field) in changes.items() %}
    select
        chain_id,
        contract_address as configurator_address,
        {{ json_field('payload', 'asset') }} as token_address,
        '{{ setting }}' as setting,
        {{ to_exact_int(json_field('payload', field)) | indent(8) }} as setting_value,
        block_number,
        block_date,
        log_index
    from configuration
    where event_name = '{{ event }}'
    union all
    {% endfor %}
    {% for event, (setting, field) in switches.items() %}
    select
        chain_id,
        contract_address as configurator_address,
        {{ json_field('payload', 'asset') }} as token_address,
        '{{ setting }}' as setting,
        case {{ json_field('payload', field) }}
            when 'true' then {{ exact_int(1) }}
            else {{ exact_int(0) }}
        end as setting_value,
        block_number,
        block_date,
        log_index
    from configuration
    where event_name = '{{ event }}'
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

final as (

    select
        markets.chain_id,
        markets.market_address,
        stated.token_address,
        stated.setting,
        stated.setting_value,
        stated.block_number,
        stated.block_date,
        stated.log_index,
        {{ until_block(
            'stated', ['chain_id', 'configurator_address', 'token_address', 'setting']
        ) | indent(8) }} as until_block
    from stated
    inner join markets
        on
            stated.chain_id = markets.chain_id
            and stated.configurator_address = markets.configurator_address

)

select * from final

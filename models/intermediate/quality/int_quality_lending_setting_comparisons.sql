-- Settings of the reserves at pinned blocks, beside the contract's own configuration word: bit fields that lie at
-- whole hex digits of getReserveData's first output. A setting no log ever stated is 0; a reserve is born active.
-- And the unit of the oracle's prices, of the market as a whole.
{#- setting -> hex digits to its right, and its own -#}
{%- set numbers = {
    'ltv_bps': (0, 4),
    'liquidation_threshold_bps': (4, 4),
    'liquidation_bonus_bps': (8, 4),
    'reserve_factor_bps': (16, 4),
    'borrow_cap': (20, 9),
    'supply_cap': (29, 9),
    'liquidation_protocol_fee_bps': (38, 4),
} -%}
{#- switch -> hex digits to the right of its own, its weight therein, and what it is at first -#}
{%- set switches = {
    'is_active': (14, 1, 1),
    'is_frozen': (14, 2, 0),
    'is_borrowable': (14, 4, 0),
    'is_paused': (15, 1, 0),
} %}

with

states as (

    select * from {{ ref('int_lending_aave_v3_reserve_states') }}
    where is_pinned

),

reads as (

    select
        chain_id,
        block_number,
        contract_address as market_address,
        {{ json_array_item('arguments', 0) }} as token_address,
        output
    from {{ ref('stg_poolhouse__contract_reads') }}
    where function_name = 'getReserveData' and status = 'ok'

),

read_settings as (

    {% for setting, (right, digits) in numbers.items() %}
    select
        chain_id, block_number, market_address, token_address, '{{ setting }}' as setting,
        {{ hex_to_int('substr(output, ' ~ (67 - right - digits) ~ ', ' ~ digits ~ ')') }}
            as setting_value
    from reads
    union all
    {% endfor %}
    {% for setting, (right, weight, initial) in switches.items() %}
    select
        chain_id, block_number, market_address, token_address, '{{ setting }}' as setting,
        mod({{ int_div(hex_to_int('substr(output, ' ~ (66 - right) ~ ', 1)'), weight) }}, 2)
            as setting_value
    from reads
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

modelled_settings as (

    {% for setting in numbers %}
    select
        chain_id, as_of_block, market_address, token_address, '{{ setting }}' as setting,
        coalesce({{ setting }}, {{ exact_int(0) }}) as setting_value
    from states
    union all
    {% endfor %}
    {% for setting, (right, weight, initial) in switches.items() %}
    select
        chain_id, as_of_block, market_address, token_address, '{{ setting }}' as setting,
        coalesce({{ setting }}, {{ exact_int(initial) }}) as setting_value
    from states
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

final as (

    select
        modelled.chain_id,
        modelled.market_address,
        modelled.as_of_block as block_number,
        modelled.token_address,
        modelled.setting,
        {{ int_to_text('read_settings.setting_value') }} as read_value,
        {{ int_to_text('modelled.setting_value') }} as modelled_value
    from modelled_settings as modelled
    inner join read_settings
        on
            modelled.chain_id = read_settings.chain_id
            and modelled.as_of_block = read_settings.block_number
            and modelled.market_address = read_settings.market_address
            and modelled.token_address = read_settings.token_address
            and modelled.setting = read_settings.setting
    union all
    select
        markets.chain_id,
        markets.market_address,
        reads.block_number,
        markets.oracle_address as token_address,
        'base_currency_unit' as setting,
        reads.value as read_value,
        {{ int_to_text('markets.base_currency_unit_raw') }} as modelled_value
    from {{ ref('int_lending_aave_v3_markets') }} as markets
    inner join {{ ref('stg_poolhouse__contract_reads') }} as reads
        on
            markets.chain_id = reads.chain_id
            and markets.oracle_address = reads.contract_address
            and reads.function_name = 'BASE_CURRENCY_UNIT'
            and reads.status = 'ok'

)

select * from final

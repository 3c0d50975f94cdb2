-- What the contracts said of each reserve at the pinned blocks beside what the models say, one row per number. A
-- number read but not modelled, or modelled but not read where its function was, has one side NULL.
{%- set data_fields = {
    1: 'liquidity_index_raw', 2: 'liquidity_rate_raw', 3: 'variable_borrow_index_raw',
    4: 'variable_borrow_rate_raw', 6: 'last_update_s', 8: 'atoken_address',
    10: 'variable_debt_token_address',
} -%}
{%- set key =
    ['chain_id', 'block_number', 'function_name', 'contract_address', 'argument', 'field'] -%}
{%- set functions = aave_reconciled_functions()
    | reject('in', ['getUserAccountData', 'scaledBalanceOf']) | list -%}
{%- set modelled_values = aave_modelled_reserve_values(data_fields) %}

with

markets as (

    select * from {{ ref('int_lending_aave_v3_markets') }}

),

states as (

    select
        states.*,
        markets.oracle_address,
        {{ unix_seconds('states.last_update_timestamp') }} as last_update_s
    from {{ ref('int_lending_aave_v3_reserve_states') }} as states
    inner join markets
        on
            states.chain_id = markets.chain_id
            and states.market_address = markets.market_address
    where states.is_pinned

),

modelled as (

    {% for function, contract, argument, field, value in modelled_values %}
    select
        chain_id,
        market_address,
        as_of_block as block_number,
        '{{ function }}' as function_name,
        {{ contract }} as contract_address,
        {{ argument }} as argument,
        {{ field }} as field,
        cast({{ value }} as {{ dbt.type_string() }}) as modelled_value
    from states
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

reads as (

    select
        chain_id,
        block_number,
        function_name,
        contract_address,
        coalesce({{ json_array_item('arguments', 0) }}, '') as argument,
        value
    from {{ ref('stg_poolhouse__contract_reads') }}
    where
        status = 'ok'
        and function_name in ({{ "'" ~ functions | join("', '") ~ "'" }})

),

stated as (

    select
        chain_id, block_number, function_name, contract_address, argument, 0 as field,
        value as read_value
    from reads
    where function_name != 'getReserveData'
    {% for field in data_fields %}
    union all
    select
        chain_id, block_number, function_name, contract_address, argument, {{ field }} as field,
        {{ json_array_item('value', field) }} as read_value
    from reads
    where function_name = 'getReserveData'
    {% endfor %}

),

asked as (

    select distinct chain_id, block_number, function_name from stated

),

expected_of_models as (

    select modelled.*
    from modelled
    inner join asked
        on
            modelled.chain_id = asked.chain_id
            and modelled.block_number = asked.block_number
            and modelled.function_name = asked.function_name

),

final as (

    select
        {% for column in key -%}
        coalesce(stated.{{ column }}, expected_of_models.{{ column }}) as {{ column }},
        {% endfor -%}
        expected_of_models.market_address,
        stated.read_value,
        expected_of_models.modelled_value
    from stated
    full outer join expected_of_models
        on
            stated.chain_id = expected_of_models.chain_id
            and stated.block_number = expected_of_models.block_number
            and stated.function_name = expected_of_models.function_name
            and stated.contract_address = expected_of_models.contract_address
            and stated.argument = expected_of_models.argument
            and stated.field = expected_of_models.field

)

select * from final

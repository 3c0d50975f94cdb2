-- Agreement of the lending models with the contracts' own answers, exact, one row per invariant, market and block.
{%- set invariants = {
    'scaledTotalSupply': 'RL1',
    'getReserveData': 'RL2',
    'getReserveNormalizedIncome': 'RL3',
    'getReserveNormalizedVariableDebt': 'RL4',
    'getAssetPrice': 'RL5',
} %}

with

markets as (

    select * from {{ ref('int_lending_aave_v3_markets') }}

),

-- Nothing is claimed of a chain one of whose markets is incomplete, unless the read can be laid at a market's door.
chains as (

    select
        chain_id,
        max(as_of_block) as as_of_block,
        max(case when incomplete_reason is not null then 1 else 0 end) as is_incomplete
    from markets
    group by chain_id

),

compared as (

    {% for function, invariant in invariants.items() %}
    select
        '{{ invariant }}' as invariant_id, 'lending_reserves_daily' as mart, chain_id,
        market_address, block_number,
        {{ dbt.concat(['contract_address', "' '", "coalesce(argument, '')"]) }} as detail,
        read_value, modelled_value
    from {{ ref('int_quality_lending_reserve_comparisons') }}
    where function_name = '{{ function }}'
    union all
    {% endfor %}
    select
        'RL6' as invariant_id, 'lending_positions' as mart, chain_id, market_address,
        block_number,
        {{ dbt.concat(['contract_address', "' '", 'account_address']) }} as detail,
        read_value, modelled_value
    from {{ ref('int_quality_lending_balance_comparisons') }}
    union all
    select
        case when field = 'account' then 'RL8' else 'RL7' end as invariant_id,
        'lending_account_health' as mart, chain_id, market_address,
        block_number,
        {{ dbt.concat(['account_address', "' '", 'field']) }} as detail,
        read_value, modelled_value
    from {{ ref('int_quality_lending_account_comparisons') }}
    union all
    select
        'RL9' as invariant_id, 'lending_reserves_daily' as mart, chain_id, market_address,
        block_number, {{ dbt.concat(['token_address', "' '", 'setting']) }} as detail,
        read_value, modelled_value
    from {{ ref('int_quality_lending_setting_comparisons') }}
    union all
    select
        'RL10' as invariant_id, 'lending_positions' as mart, chain_id, market_address,
        block_number, {{ dbt.concat(['account_address', "' '", 'setting']) }} as detail,
        read_value, modelled_value
    from {{ ref('int_quality_lending_account_setting_comparisons') }}

),

judged as (

    select
        compared.invariant_id,
        compared.mart,
        compared.chain_id,
        coalesce(compared.market_address, 'unknown market') as entity,
        compared.block_number,
        compared.detail,
        compared.read_value,
        compared.modelled_value,
        case
            when compared.block_number > chains.as_of_block then 'incomplete'
            when compared.modelled_value is null and chains.is_incomplete = 1 then 'incomplete'
            when compared.read_value = compared.modelled_value then 'ok'
            else 'failed'
        end as status
    from compared
    inner join chains
        on compared.chain_id = chains.chain_id

),

{{ comparison_results() }}

select * from final

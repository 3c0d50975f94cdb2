-- What Morpho said of markets and positions at the pinned blocks, one row per number.
{%- set numbers = {
    'market': [
        'supply assets', 'supply shares', 'borrow assets', 'borrow shares', 'last update', 'fee',
    ],
    'position': ['supply shares', 'borrow shares', 'collateral'],
} %}

with

contracts as (

    select * from {{ ref('int_ledger_contract_histories') }}
    where family = 'morpho_blue' and role = 'morpho'

),

reads as (

    select
        contract_reads.chain_id,
        contract_reads.contract_address as morpho_address,
        contract_reads.block_number,
        contract_reads.function_name,
        {{ json_array_item('contract_reads.arguments', 0) }} as market_id,
        coalesce({{ json_array_item('contract_reads.arguments', 1) }}, 'all') as account_address,
        contract_reads.value
    from {{ ref('stg_poolhouse__contract_reads') }} as contract_reads
    inner join contracts
        on
            contract_reads.chain_id = contracts.chain_id
            and contract_reads.contract_address = contracts.contract_address
    where contract_reads.function_name in ('market', 'position')

),

final as (

    {% for function, names in numbers.items() -%}
    {% set is_last_function = loop.last -%}
    {% for name in names -%}
    select
        chain_id, morpho_address, block_number, function_name, market_id, account_address,
        '{{ name }}' as number_name,
        {{ json_array_item('value', loop.index0) }} as read_value
    from reads
    where function_name = '{{ function }}'
    {% if not (is_last_function and loop.last) -%} union all {%- endif %}
    {% endfor -%}
    {% endfor %}

)

select * from final

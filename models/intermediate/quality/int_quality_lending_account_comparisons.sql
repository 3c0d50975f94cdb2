-- What the contracts said of each account at the pinned blocks beside what the models say, one row per number. An
-- account without a position must be empty on the chain too; one with a position must have been read.
{%- set fields = [
    'collateral_base_raw', 'debt_base_raw', 'available_borrows_base_raw',
    'liquidation_threshold_bps', 'ltv_bps', 'health_factor',
] -%}
{%- set no_debt =
    '115792089237316195423570985008687907853269984665640564039457584007913129639935' %}

with

markets as (

    select * from {{ ref('int_lending_aave_v3_markets') }}

),

points as (

    select * from {{ ref('int_lending_aave_v3_points') }}
    where is_pinned

),

-- The contract answers the largest uint256 as health factor where there is no debt.
states as (

    select
        account_states.*,
        case
            when account_states.debt_base_raw = 0 then '{{ no_debt }}'
            else cast(account_states.health_factor_raw as {{ dbt.type_string() }})
        end as health_factor
    from {{ ref('int_lending_aave_v3_account_states') }} as account_states
    inner join points
        on {{ same_point('account_states', 'points') | indent(12) }}

),

reads as (

    select
        reads.chain_id,
        reads.block_number,
        markets.market_address,
        {{ json_array_item('reads.arguments', 0) }} as account_address,
        reads.value,
        points.as_of_block
    from {{ ref('stg_poolhouse__contract_reads') }} as reads
    inner join markets
        on
            reads.chain_id = markets.chain_id
            and reads.contract_address = markets.market_address
    left outer join points
        on
            reads.chain_id = points.chain_id
            and markets.market_address = points.market_address
            and reads.block_number = points.as_of_block
    where reads.function_name = 'getUserAccountData' and reads.status = 'ok'

),

asked as (

    select distinct chain_id, market_address, block_number from reads

),

-- The state of an account that holds nothing is known wherever the point is.
compared as (

    {% for field in fields %}
    select
        reads.chain_id,
        reads.market_address,
        reads.block_number,
        reads.account_address,
        '{{ field }}' as field,
        {{ json_array_item('reads.value', loop.index0) }} as read_value,
        case
            when states.account_address is not null
                then cast(states.{{ field }} as {{ dbt.type_string() }})
            when reads.as_of_block is not null
                then '{{ no_debt if field == 'health_factor' else 0 }}'
        end as modelled_value
    from reads
    left outer join states
        on
            reads.chain_id = states.chain_id
            and reads.market_address = states.market_address
            and reads.block_number = states.as_of_block
            and reads.account_address = states.account_address
    union all
    {% endfor %}
    select
        states.chain_id,
        states.market_address,
        states.as_of_block as block_number,
        states.account_address,
        'account' as field,
        reads.account_address as read_value,
        states.account_address as modelled_value
    from states
    inner join asked
        on
            states.chain_id = asked.chain_id
            and states.market_address = asked.market_address
            and states.as_of_block = asked.block_number
    left outer join reads
        on
            states.chain_id = reads.chain_id
            and states.market_address = reads.market_address
            and states.as_of_block = reads.block_number
            and states.account_address = reads.account_address

),

final as (

    select * from compared

)

select * from final

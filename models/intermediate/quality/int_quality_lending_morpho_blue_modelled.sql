-- The numbers of int_quality_lending_morpho_blue_reads, from events alone: the totals of each market and the sums of
-- each position's changes up to each pinned block.
{%- set totals = {
    'supply assets': 'supply_assets_raw', 'supply shares': 'supply_shares_raw',
    'borrow assets': 'borrow_assets_raw', 'borrow shares': 'borrow_shares_raw',
    'last update': unix_seconds('last_update_timestamp'), 'fee': 'fee_raw',
} -%}
{%- set parts = {
    'supply shares': 'supply_shares', 'borrow shares': 'borrow_shares', 'collateral': 'collateral',
} %}

with

pinned_blocks as (

    select distinct chain_id, morpho_address, block_number
    from {{ ref('int_quality_lending_morpho_blue_reads') }}

),

states as (

    select
        pinned_blocks.block_number as as_of_block,
        states.*
    from pinned_blocks
    inner join {{ ref('int_lending_morpho_blue_market_states') }} as states
        on
            pinned_blocks.chain_id = states.chain_id
            and pinned_blocks.morpho_address = states.morpho_address
            and pinned_blocks.block_number >= states.block_number
    qualify row_number() over (
        partition by
            pinned_blocks.chain_id,
            pinned_blocks.morpho_address,
            pinned_blocks.block_number,
            states.market_id
        order by states.block_number desc, states.log_index desc
    ) = 1

),

positions as (

    select
        {% for column in parts.values() -%}
        {{ sum_of_all('changes.position_' ~ column ~ '_delta_raw') }} as {{ column }}_raw,
        {% endfor -%}
        pinned_blocks.chain_id,
        pinned_blocks.morpho_address,
        pinned_blocks.block_number,
        changes.market_id,
        changes.account_address
    from pinned_blocks
    inner join {{ ref('int_lending_morpho_blue_changes') }} as changes
        on
            pinned_blocks.chain_id = changes.chain_id
            and pinned_blocks.morpho_address = changes.morpho_address
            and pinned_blocks.block_number >= changes.block_number
    group by
        pinned_blocks.chain_id,
        pinned_blocks.morpho_address,
        pinned_blocks.block_number,
        changes.market_id,
        changes.account_address

),

final as (

    {% for name, column in totals.items() -%}
    select
        chain_id, morpho_address, as_of_block as block_number, 'market' as function_name,
        market_id, 'all' as account_address,
        '{{ name }}' as number_name,
        {{ int_to_text(column) }} as modelled_value
    from states
    union all
    {% endfor -%}
    {% for name, column in parts.items() -%}
    select
        chain_id, morpho_address, block_number, 'position' as function_name,
        market_id, account_address,
        '{{ name }}' as number_name,
        {{ int_to_text(column ~ '_raw') }} as modelled_value
    from positions
    {{ 'union all' if not loop.last }}
    {% endfor %}

)

select * from final

-- RD5: liquidity of every position in every V3 pool, and what refers to each tick, equal what `positions` and `ticks`
-- answer at each pinned block. What was not read must be nothing.
with

pools as (

    select * from {{ ref('dex_pools') }}
    where protocol != 'unknown' and family = 'uniswap_v3'

),

changes as (

    select * from {{ ref('int_dex_v3_position_changes') }}

),

contract_reads as (

    select * from {{ ref('stg_poolhouse__contract_reads') }}
    where function_name in ('positions', 'ticks')

),

reads as (

    select
        chain_id,
        block_number as as_of_block,
        contract_address as entity,
        concat(
            'position ', {{ json_array_item('arguments', 0) }}, ' ',
            {{ json_array_item('arguments', 1) }}, ' ', {{ json_array_item('arguments', 2) }}
        ) as detail,
        case when status = 'ok' then {{ json_array_item('value', 0) }} end as answer
    from contract_reads
    where function_name = 'positions'
    {% for part in ['gross', 'net'] %}
    union all
    select
        chain_id,
        block_number as as_of_block,
        contract_address as entity,
        concat('tick ', {{ json_array_item('arguments', 0) }}, ' {{ part }}') as detail,
        case when status = 'ok' then {{ json_array_item('value', loop.index0) }} end as answer
    from contract_reads
    where function_name = 'ticks'
    {% endfor %}

),

pinned as (

    select distinct
        chain_id,
        as_of_block,
        entity
    from reads

),

ends as (

    select
        chain_id, pool_address, block_number,
        tick_lower as tick,
        liquidity_delta_raw as gross_delta_raw,
        liquidity_delta_raw as net_delta_raw
    from changes
    union all
    select
        chain_id, pool_address, block_number,
        tick_upper as tick,
        liquidity_delta_raw as gross_delta_raw,
        -liquidity_delta_raw as net_delta_raw
    from changes

),

deltas as (

    select
        chain_id,
        pool_address,
        block_number,
        concat(
            'position ', owner, ' ',
            {{ int_to_text('tick_lower') }}, ' ', {{ int_to_text('tick_upper') }}
        ) as detail,
        liquidity_delta_raw as delta_raw
    from changes
    {% for part in ['gross', 'net'] %}
    union all
    select
        chain_id,
        pool_address,
        block_number,
        concat('tick ', {{ int_to_text('tick') }}, ' {{ part }}') as detail,
        {{ part }}_delta_raw as delta_raw
    from ends
    {% endfor %}

),

sums as (

    select
        pinned.chain_id,
        pinned.as_of_block,
        pinned.entity,
        deltas.detail,
        {{ int_to_text(sum_of_all('deltas.delta_raw')) }} as summed
    from pinned
    inner join deltas
        on
            pinned.chain_id = deltas.chain_id
            and pinned.entity = deltas.pool_address
            and pinned.as_of_block >= deltas.block_number
    group by pinned.chain_id, pinned.as_of_block, pinned.entity, deltas.detail

),

compared as (

    select
        coalesce(sums.chain_id, reads.chain_id) as chain_id,
        coalesce(sums.entity, reads.entity) as entity,
        coalesce(sums.as_of_block, reads.as_of_block) as as_of_block,
        coalesce(sums.detail, reads.detail) as detail,
        case when sums.entity is null then '0' else sums.summed end as expected_value,
        case when reads.entity is null and sums.summed = '0' then '0' else reads.answer end
            as actual_value,
        true as is_asked,
        false as needs_transfers
    from sums
    full outer join reads
        on
            sums.chain_id = reads.chain_id
            and sums.as_of_block = reads.as_of_block
            and sums.entity = reads.entity
            and sums.detail = reads.detail

),

{{ reconcile_pool_parts('RD5', 'uniswap_v3', 'dex_trades') }}

select * from final

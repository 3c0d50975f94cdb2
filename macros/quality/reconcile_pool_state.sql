{#- CTEs that end in `final`: one result row per pool and pinned block, the pool's state computed from events
    against what its contract answered there. Expects the CTEs
    - `reads` (chain_id, entity, block_number, actual_value, is_ok): the answers, of any contract;
    - `states` (chain_id, entity, block_number, log_index, known_from_block, expected_value): the state after each
      event, true if every block from known_from_block on is loaded.
    A pool that was asked and gave no answer fails, and so does an answer without a pool. `incomplete` are pools
    whose state is not determined by the loaded blocks, and those that were not asked: the registry may not have
    known them when the block was read. `initial_value` is the state before the first event. `model` lists the
    entities, of which `pool` is the column that identifies one. -#}
{% macro reconcile_pool_state(
    invariant_id, family, initial_value, mart='dex_trades', model='dex_pools', pool='pool_address'
) -%}
all_pools as (

    select * from {{ ref(model) }}

),

pools as (

    select * from all_pools
    where protocol != 'unknown' and family = '{{ family }}'

),

coverage as (

    select * from {{ ref('int_ledger_family_coverage') }}
    where family = '{{ family }}'

),

pinned_blocks as (

    select distinct chain_id, block_number as as_of_block
    from reads

),

last_states as (

    select
        pinned_blocks.chain_id,
        pinned_blocks.as_of_block,
        states.entity,
        states.known_from_block,
        states.expected_value
    from pinned_blocks
    inner join states
        on
            pinned_blocks.chain_id = states.chain_id
            and pinned_blocks.as_of_block >= states.block_number
    qualify row_number() over (
        partition by pinned_blocks.chain_id, pinned_blocks.as_of_block, states.entity
        order by states.block_number desc, states.log_index desc
    ) = 1

),

expected as (

    select
        pools.chain_id,
        pools.{{ pool }} as entity,
        pinned_blocks.as_of_block,
        case
            when last_states.entity is null then pools.created_block
            else last_states.known_from_block
        end as known_from_block,
        case when last_states.entity is null then '{{ initial_value }}' else last_states.expected_value end
            as expected_value
    from pinned_blocks
    inner join pools
        on pinned_blocks.chain_id = pools.chain_id
    left outer join last_states
        on
            pinned_blocks.chain_id = last_states.chain_id
            and pinned_blocks.as_of_block = last_states.as_of_block
            and pools.{{ pool }} = last_states.entity
    where
        last_states.entity is not null
        or pools.created_block is null
        or pools.created_block <= pinned_blocks.as_of_block

),

paired as (

    select
        coalesce(expected.chain_id, reads.chain_id) as chain_id,
        coalesce(expected.entity, reads.entity) as entity,
        coalesce(expected.as_of_block, reads.block_number) as as_of_block,
        expected.entity is not null as has_state,
        reads.entity is not null as is_asked,
        expected.known_from_block,
        expected.expected_value,
        case when reads.is_ok then reads.actual_value end as actual_value
    from expected
    full outer join reads
        on
            expected.chain_id = reads.chain_id
            and expected.entity = reads.entity
            and expected.as_of_block = reads.block_number

),

judged as (

    select
        paired.chain_id,
        paired.entity,
        paired.as_of_block,
        paired.expected_value,
        paired.actual_value,
        case
            when not paired.has_state and all_pools.protocol = 'unknown' then 'incomplete'
            when not paired.has_state then 'failed'
            when coverage.chain_id is null then 'incomplete'
            when not paired.is_asked then 'incomplete'
            when paired.expected_value = paired.actual_value then 'ok'
            else 'failed'
        end as status
    from paired
    left outer join all_pools
        on
            paired.chain_id = all_pools.chain_id
            and paired.entity = all_pools.{{ pool }}
    left outer join coverage
        on
            paired.chain_id = coverage.chain_id
            and paired.known_from_block >= coverage.from_block
            and paired.as_of_block <= coverage.to_block

),

final as (

    select
        '{{ invariant_id }}' as invariant_id,
        '{{ mart }}' as mart,
        chain_id,
        entity,
        status,
        case when status = 'incomplete' then 0 else 1 end as checked_count,
        case when status = 'failed' then 1 else 0 end as failed_count,
        case when status = 'failed' then as_of_block end as first_failed_block,
        case when status = 'failed' then expected_value end as expected_value,
        case when status = 'failed' then actual_value end as actual_value,
        as_of_block
    from judged

)
{%- endmacro %}

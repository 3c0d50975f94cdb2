-- I8: every pool of a registered factory whose logs are loaded from its deployment on has its creation event, before
-- any log of the pool.
{%- set pool_events = registry_tables()
    | selectattr('family', 'in', ['uniswap_v2', 'uniswap_v3']) | rejectattr('role', 'eq', 'factory') | list %}

with

events as (

    {% for event in pool_events -%}
    select
        chain_id, pool_address, block_number,
        {{ log_position('block_number', 'log_index') }} as log_position
    from {{ ref('stg_' ~ event.table) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

first_events as (

    select
        chain_id,
        pool_address,
        min(block_number) as block_number,
        min(log_position) as log_position
    from events
    group by chain_id, pool_address

),

created as (

    select
        chain_id, pool_address, factory_address,
        {{ log_position('block_number', 'log_index') }} as log_position
    from {{ ref('stg_uniswap_v2__factory_pair_created') }}
    union all
    select
        chain_id, pool_address, factory_address,
        {{ log_position('block_number', 'log_index') }} as log_position
    from {{ ref('stg_uniswap_v3__factory_pool_created') }}

),

creations as (

    select
        chain_id,
        pool_address,
        factory_address,
        min(log_position) as log_position
    from created
    group by chain_id, pool_address, factory_address

),

pools as (

    select * from {{ ref('dex_pools') }}
    where protocol != 'unknown'

),

heads as (

    select * from {{ ref('int_ledger_heads') }}

),

factories as (

    select
        registry.chain_id,
        registry.contract_address as factory_address,
        heads.head_block,
        heads.from_block <= registry.start_block as is_determined
    from {{ ref('registry_contracts') }} as registry
    inner join heads
        on
            registry.chain_id = heads.chain_id
            and registry.family = heads.family
    where registry.role = 'factory'

),

checked as (

    select
        pools.chain_id,
        pools.factory_address as entity,
        first_events.block_number,
        first_events.log_position as log_index,
        {{ dbt.concat(['pools.pool_address', "' created before its first log'"]) }}
            as expected_value,
        case
            when creations.log_position is null then 'no creation event'
            else 'created later'
        end as actual_value,
        not coalesce(creations.log_position < first_events.log_position, false) as is_failed
    from pools
    inner join factories
        on
            pools.chain_id = factories.chain_id
            and pools.factory_address = factories.factory_address
    inner join first_events
        on
            pools.chain_id = first_events.chain_id
            and pools.pool_address = first_events.pool_address
            and factories.head_block >= first_events.block_number
    left outer join creations
        on
            pools.chain_id = creations.chain_id
            and pools.pool_address = creations.pool_address
            and pools.factory_address = creations.factory_address

),

subjects as (

    select distinct
        factories.chain_id,
        factories.factory_address as entity,
        factories.is_determined,
        factories.head_block as as_of_block
    from factories
    inner join checked
        on
            factories.chain_id = checked.chain_id
            and factories.factory_address = checked.entity

),

{{ check_rows('I8', 'dex_pools') }}

select * from final

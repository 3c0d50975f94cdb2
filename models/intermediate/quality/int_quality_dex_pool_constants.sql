-- RD8: factory, tokens, fee and tick spacing of each pool, as its contract answers them. Of a pool that names a
-- registered factory whose logs are loaded from its deployment on, the creation is known.
{%- set constants = {
    'factory': 'factory_address',
    'token0': 'token0',
    'token1': 'token1',
    'fee': 'fee_pips',
    'tickSpacing': 'tick_spacing',
} %}

with

pools as (

    select * from {{ ref('dex_pools') }}

),

reads as (

    select * from {{ ref('stg_poolhouse__contract_reads') }}
    where status = 'ok' and function_name in ({{ "'" ~ constants | join("', '") ~ "'" }})

),

heads as (

    select * from {{ ref('int_ledger_heads') }}

),

factories as (

    select
        registry.chain_id,
        registry.contract_address as factory_address,
        heads.from_block <= registry.start_block as is_determined,
        heads.head_block
    from {{ ref('registry_contracts') }} as registry
    inner join heads
        on
            registry.chain_id = heads.chain_id
            and registry.family = heads.family
    where registry.role = 'factory'

),

named as (

    select
        reads.chain_id,
        reads.contract_address as pool_address,
        reads.block_number,
        factories.factory_address,
        factories.is_determined
    from reads
    inner join factories
        on
            reads.chain_id = factories.chain_id
            and reads.value = factories.factory_address
            and reads.block_number <= factories.head_block
    where reads.function_name = 'factory'

),

checked as (

    {% for function, column in constants.items() %}
    select
        named.chain_id,
        named.factory_address as entity,
        named.block_number,
        cast(null as int64) as log_index,
        {{ dbt.concat([
            'reads.contract_address', "' " ~ function ~ " '",
            "coalesce(cast(pools." ~ column ~ " as " ~ dbt.type_string() ~ "), 'unknown')",
        ]) }} as expected_value,
        {{ dbt.concat(['reads.contract_address', "' " ~ function ~ " '", 'reads.value']) }}
            as actual_value,
        not coalesce(cast(pools.{{ column }} as {{ dbt.type_string() }}) = reads.value, false)
            as is_failed
    from named
    inner join reads
        on
            named.chain_id = reads.chain_id
            and named.pool_address = reads.contract_address
            and named.block_number = reads.block_number
            and reads.function_name = '{{ function }}'
    left outer join pools
        on
            named.chain_id = pools.chain_id
            and named.pool_address = pools.pool_address
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

subjects as (

    select
        chain_id,
        factory_address as entity,
        max(case when is_determined then 1 else 0 end) = 1 as is_determined,
        max(block_number) as as_of_block
    from named
    group by chain_id, factory_address

),

{{ check_rows('RD8', 'dex_pools') }}

select * from final

-- One row per registered pool: its contracts, the point it is known up to, and why its state is not, if so.
with

registry as (

    select * from {{ ref('registry_contracts') }}
    where family = 'aave_v3'

),

pools as (

    select * from registry
    where role = 'pool'

),

helpers as (

    select
        chain_id,
        protocol,
        version,
        market,
        max(case when role = 'configurator' then contract_address end) as configurator_address,
        max(case when role = 'oracle' then contract_address end) as oracle_address
    from registry
    group by chain_id, protocol, version, market

),

-- Only a dollar oracle says dollars: Aave marks it with the zero address as base currency.
base_currencies as (

    select
        chain_id,
        contract_address as oracle_address,
        {{ to_exact_int(json_field('payload', 'base_currency_unit')) }} as base_currency_unit_raw
    from {{ ref('stg_aave_v3__configuration') }}
    where
        event_name = 'BaseCurrencySet'
        and {{ json_field('payload', 'base_currency') }}
        = {{ zero_address() }}

),

revisions as (

    select
        chain_id,
        contract_address as pool_address,
        cast(value as {{ dbt.type_bigint() }}) as pool_revision
    from {{ ref('int_ledger_contract_answers') }}
    where
        function_name = 'POOL_REVISION'
        and status = 'ok'
        and closed_date = {{ open_date() }}
    qualify row_number() over (
        partition by chain_id, contract_address order by block_number desc
    ) = 1

),

coverage as (

    select * from {{ ref('int_ledger_family_coverage') }}

),

heads as (

    select * from {{ ref('int_lending_aave_v3_heads') }}

),

final as (

    select
        pools.chain_id,
        pools.protocol,
        pools.version,
        pools.market,
        pools.contract_address as market_address,
        helpers.configurator_address,
        helpers.oracle_address,
        pools.start_block,
        base_currencies.base_currency_unit_raw,
        revisions.pool_revision,
        heads.as_of_block,
        heads.as_of_timestamp,
        case
            when coverage.chain_id is null then 'history_incomplete'
            when revisions.pool_revision is null then 'pool_revision_unknown'
            when revisions.pool_revision > {{ aave_last_supported_revision() }}
                then 'unsupported_pool_revision'
        end as incomplete_reason
    from pools
    inner join helpers
        on
            pools.chain_id = helpers.chain_id
            and pools.protocol = helpers.protocol
            and pools.version = helpers.version
            and pools.market = helpers.market
    left outer join base_currencies
        on
            helpers.chain_id = base_currencies.chain_id
            and helpers.oracle_address = base_currencies.oracle_address
    left outer join revisions
        on
            pools.chain_id = revisions.chain_id
            and pools.contract_address = revisions.pool_address
    left outer join heads
        on pools.chain_id = heads.chain_id
    left outer join coverage
        on
            pools.chain_id = coverage.chain_id
            and coverage.family = 'aave_v3'
            and pools.start_block >= coverage.from_block
            and heads.as_of_block <= coverage.to_block
)

select * from final

{{ config(materialized = 'audit') }}

-- Up to which block everything of a registered contract is loaded, from its first block on.
with

registry as (

    select * from {{ ref('registry_contracts') }}

),

coverage as (

    select * from {{ ref('int_ledger_family_coverage') }}

),

final as (

    select
        registry.chain_id,
        registry.family,
        registry.role,
        registry.contract_address,
        registry.start_block,
        coverage.to_block as history_to_block
    from registry
    left outer join coverage
        on
            registry.chain_id = coverage.chain_id
            and registry.family = coverage.family
            and registry.start_block between coverage.from_block and coverage.to_block

)

select * from final

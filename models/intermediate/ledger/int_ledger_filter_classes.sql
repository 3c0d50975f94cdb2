-- Filters that are in the same sets were loaded for the same blocks, always: they are resolved as one.
with

loaded_sets as (

    select distinct
        chain_id,
        asked_set
    from {{ ref('int_ledger_loaded_ranges') }}

),

loaded_filters as (

    select * from {{ ref('int_ledger_loaded_filters') }}

),

final as (

    select
        loaded_sets.chain_id,
        loaded_filters.family,
        loaded_filters.role,
        loaded_filters.event,
        loaded_filters.contract_address,
        {{ dbt.hash(
            "string_agg(loaded_sets.asked_set, ',' order by loaded_sets.asked_set)"
        ) }} as filter_class
    from loaded_sets
    inner join loaded_filters
        on loaded_sets.asked_set = loaded_filters.asked_set
    group by
        loaded_sets.chain_id,
        loaded_filters.family,
        loaded_filters.role,
        loaded_filters.event,
        loaded_filters.contract_address

)

select * from final

-- A load asks for the same blocks of all its filters: one row for all of them instead of hundreds.
{{
    config(
        cluster_by = ['family', 'chain_id', 'from_block'],
    )
}}

with

live_ranges as (

    select * from {{ ref('int_ledger_live_ranges') }}

),

final as (

    select
        chain_id,
        family,
        {{ dbt.hash(
            "string_agg(concat(role, '/', event, '/', contract_address), ','"
            ~ " order by role, event, contract_address)"
        ) }} as filter_set,
        load_id,
        from_block,
        to_block,
        finality,
        min_timestamp,
        max_timestamp,
        to_timestamp
    from live_ranges
    group by
        chain_id,
        family,
        load_id,
        from_block,
        to_block,
        finality,
        min_timestamp,
        max_timestamp,
        to_timestamp

)

select * from final

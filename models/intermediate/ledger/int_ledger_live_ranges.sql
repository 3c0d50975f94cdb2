-- The live segments by filter: hundreds of rows for each. Who can, reads the segments.
{{
    config(
        materialized = 'view',
        meta = {'tested_in_audits': true},
    )
}}

with

live_segments as (

    select * from {{ ref('int_ledger_live_segments') }}

),

filter_sets as (

    select * from {{ ref('int_ledger_filter_sets') }}

),

final as (

    select
        live_segments.chain_id,
        filter_sets.family,
        filter_sets.role,
        filter_sets.event,
        filter_sets.contract_address,
        live_segments.from_block,
        live_segments.to_block,
        live_segments.load_id,
        live_segments.finality,
        live_segments.min_timestamp,
        live_segments.max_timestamp,
        live_segments.to_timestamp
    from live_segments
    inner join filter_sets
        on live_segments.filter_set = filter_sets.filter_set

)

select * from final

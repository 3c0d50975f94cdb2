-- What the filters of live segments ask for; hour after hour these are the same few sets.
{{
    config(
        cluster_by = ['family', 'role', 'event'],
    )
}}

with

live_ranges as (

    select * from {{ ref('int_ledger_live_ranges') }}

),

examples as (

    select * from {{ ref('int_ledger_live_segments') }}
    qualify row_number() over (
        partition by family, filter_set
        order by chain_id, load_id, from_block, to_block
    ) = 1

),

final as (

    select
        examples.family,
        examples.filter_set,
        live_ranges.role,
        live_ranges.event,
        live_ranges.contract_address
    from examples
    inner join live_ranges
        on
            examples.chain_id = live_ranges.chain_id
            and examples.family = live_ranges.family
            and examples.load_id = live_ranges.load_id
            and examples.from_block = live_ranges.from_block
            and examples.to_block = live_ranges.to_block
            and examples.finality = live_ranges.finality
            and examples.min_timestamp is not distinct from live_ranges.min_timestamp
            and examples.max_timestamp is not distinct from live_ranges.max_timestamp
            and examples.to_timestamp is not distinct from live_ranges.to_timestamp

)

select * from final

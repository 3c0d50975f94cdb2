-- Where the loaded history of the oracles begins and where it breaks off. Its newest end is none: it moves with every load,
-- and what it adds is dirty by itself.
with

coverage as (

    select
        *,
        max(to_block) over (partition by chain_id) as head_block
    from {{ ref('int_ledger_family_coverage') }}
    where family = 'chainlink'

),

live_segments as (

    select * from {{ ref('int_ledger_live_segments') }}
    where {{ has_family('families', ['chainlink']) }}

),

ends as (

    select chain_id, 'from' as side, from_block as end_block
    from coverage
    union all
    select chain_id, 'to' as side, to_block as end_block
    from coverage
    where to_block != head_block

),

-- No later than the end itself: when the ranges that hold it began.
final as (

    select
        ends.chain_id,
        ends.side,
        ends.end_block,
        coalesce(min(live_segments.min_timestamp), {{ day_start("date '1970-01-01'") }})
            as first_timestamp
    from ends
    left outer join live_segments
        on
            ends.chain_id = live_segments.chain_id
            and ends.end_block between live_segments.from_block and live_segments.to_block
    group by ends.chain_id, ends.side, ends.end_block

)

select * from final

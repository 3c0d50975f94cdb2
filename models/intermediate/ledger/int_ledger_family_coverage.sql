-- Blocks for which every filter of a family is loaded: the only blocks that state may be computed over.
with

live_segments as (

    select * from {{ ref('int_ledger_live_segments') }}

),

filter_sets as (

    select * from {{ ref('int_ledger_filter_sets') }}

),

live_ranges as (

    select
        live_segments.chain_id,
        live_segments.family,
        live_segments.from_block,
        live_segments.to_block,
        live_segments.to_timestamp,
        filter_sets.role,
        filter_sets.event,
        filter_sets.contract_address
    from live_segments
    inner join filter_sets
        on
            live_segments.family = filter_sets.family
            and live_segments.filter_set = filter_sets.filter_set

),

filters as (

    select distinct
        chain_id,
        family,
        role,
        event,
        contract_address
    from live_ranges

),

filter_counts as (

    select
        chain_id,
        family,
        count(*) as filter_count
    from filters
    group by chain_id, family

),

boundaries as (

    select
        chain_id,
        family,
        from_block as boundary
    from live_ranges
    union distinct
    select
        chain_id,
        family,
        to_block + 1 as boundary
    from live_ranges

),

segments as (

    select
        chain_id,
        family,
        boundary as from_block,
        lead(boundary) over (partition by chain_id, family order by boundary) - 1 as to_block
    from boundaries

),

complete as (

    select
        segments.chain_id,
        segments.family,
        segments.from_block,
        segments.to_block,
        max(case when live_ranges.to_block = segments.to_block then live_ranges.to_timestamp end)
            as to_timestamp
    from segments
    inner join live_ranges
        on
            segments.chain_id = live_ranges.chain_id
            and segments.family = live_ranges.family
            and segments.from_block >= live_ranges.from_block
            and segments.to_block <= live_ranges.to_block
    inner join filter_counts
        on
            segments.chain_id = filter_counts.chain_id
            and segments.family = filter_counts.family
    group by
        segments.chain_id,
        segments.family,
        segments.from_block,
        segments.to_block,
        filter_counts.filter_count
    having count(*) = filter_counts.filter_count

),

marked as (

    select
        *,
        case
            when
                lag(to_block) over (
                    partition by chain_id, family
                    order by from_block
                ) = from_block - 1
                then 0
            else 1
        end as is_start
    from complete

),

islands as (

    select
        *,
        sum(is_start) over (
            partition by chain_id, family
            order by from_block
            rows between unbounded preceding and current row
        ) as island_number
    from marked

),

final as (

    select
        chain_id,
        family,
        min(from_block) as from_block,
        max(to_block) as to_block,
        max(to_timestamp) as to_timestamp
    from islands
    group by chain_id, family, island_number

)

select * from final

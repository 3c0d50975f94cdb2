-- Blocks for which every filter of a family is loaded: the only blocks that state may be computed over.
with

live_segments as (

    select * from {{ ref('int_ledger_live_segments') }}

),

filter_sets as (

    select * from {{ ref('int_ledger_filter_sets') }}

),

set_families as (

    select
        filter_set,
        family,
        count(*) as filter_count
    from filter_sets
    group by filter_set, family

),

live as (

    select
        live_segments.chain_id,
        set_families.family,
        live_segments.from_block,
        live_segments.to_block,
        live_segments.to_timestamp,
        set_families.filter_count
    from live_segments
    inner join set_families
        on live_segments.filter_set = set_families.filter_set

),

live_sets as (

    select distinct
        chain_id,
        filter_set
    from live_segments

),

filters as (

    select distinct
        live_sets.chain_id,
        filter_sets.family,
        filter_sets.role,
        filter_sets.event,
        filter_sets.contract_address
    from live_sets
    inner join filter_sets
        on live_sets.filter_set = filter_sets.filter_set

),

filter_counts as (

    select
        chain_id,
        family,
        count(*) as filter_count
    from filters
    group by chain_id, family

),

-- Segments of one filter are disjoint, so how many filters are loaded for a block is a sum over those begun and not ended.
steps as (

    select
        chain_id,
        family,
        from_block as boundary,
        filter_count as step
    from live
    union all
    select
        chain_id,
        family,
        to_block + 1 as boundary,
        -filter_count as step
    from live

),

boundaries as (

    select
        chain_id,
        family,
        boundary,
        sum(step) as step
    from steps
    group by chain_id, family, boundary

),

segments as (

    select
        chain_id,
        family,
        boundary as from_block,
        lead(boundary) over (partition by chain_id, family order by boundary) - 1 as to_block,
        sum(step) over (
            partition by chain_id, family
            order by boundary
            rows between unbounded preceding and current row
        ) as filter_count
    from boundaries

),

ends as (

    select
        chain_id,
        family,
        to_block,
        max(to_timestamp) as to_timestamp
    from live
    group by chain_id, family, to_block

),

complete as (

    select
        segments.chain_id,
        segments.family,
        segments.from_block,
        segments.to_block,
        ends.to_timestamp
    from segments
    inner join filter_counts
        on
            segments.chain_id = filter_counts.chain_id
            and segments.family = filter_counts.family
            and segments.filter_count = filter_counts.filter_count
    left outer join ends
        on
            segments.chain_id = ends.chain_id
            and segments.family = ends.family
            and segments.to_block = ends.to_block

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

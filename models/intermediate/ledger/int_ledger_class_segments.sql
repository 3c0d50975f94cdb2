-- Which load owns which blocks of each class of filters.
with

class_sets as (

    select distinct
        classes.chain_id,
        classes.filter_class,
        filters.asked_set
    from {{ ref('int_ledger_filter_classes') }} as classes
    inner join {{ ref('int_ledger_loaded_filters') }} as filters
        on
            classes.family = filters.family
            and classes.role = filters.role
            and classes.event = filters.event
            and classes.contract_address = filters.contract_address

),

complete as (

    select ranges.*
    from {{ ref('int_ledger_loaded_ranges') }} as ranges
    inner join {{ source('poolhouse', '_dlt_loads') }} as loads
        on ranges.load_id = loads.load_id and loads.status = 0

),

ranges as (

    select
        class_sets.filter_class,
        complete.*
    from complete
    inner join class_sets
        on
            complete.chain_id = class_sets.chain_id
            and complete.asked_set = class_sets.asked_set

),

-- A newer tail replaces the older one by being newer.
newest_tails as (

    select
        chain_id,
        filter_class,
        max(load_id) as load_id
    from ranges
    where finality = 'tail'
    group by chain_id, filter_class

),

candidates as (

    select ranges.*
    from ranges
    left outer join newest_tails
        on
            ranges.chain_id = newest_tails.chain_id
            and ranges.filter_class = newest_tails.filter_class
    where ranges.finality = 'final' or ranges.load_id = newest_tails.load_id

),

-- Ranges that overlap form an island: only within it can one hide another.
reach as (

    select
        *,
        max(to_block) over (
            partition by chain_id, filter_class
            order by from_block, to_block, load_id
            rows between unbounded preceding and 1 preceding
        ) as reached_block
    from candidates

),

islands as (

    select
        *,
        sum(case when from_block <= reached_block then 0 else 1 end) over (
            partition by chain_id, filter_class
            order by from_block, to_block, load_id
            rows between unbounded preceding and current row
        ) as island_number
    from reach

),

boundaries as (

    select
        chain_id,
        filter_class,
        island_number,
        from_block as boundary
    from islands
    union distinct
    select
        chain_id,
        filter_class,
        island_number,
        to_block + 1 as boundary
    from islands

),

segments as (

    select
        chain_id,
        filter_class,
        island_number,
        boundary as from_block,
        lead(boundary) over (
            partition by chain_id, filter_class, island_number
            order by boundary
        ) - 1 as to_block
    from boundaries

),

-- Final beats tail; among finals the newest decoder's rows count, and of these the first load stands, so that a retry
-- changes nothing.
owned as (

    select
        segments.chain_id,
        segments.filter_class,
        segments.from_block,
        segments.to_block,
        islands.load_id,
        islands.finality,
        islands.min_timestamp,
        islands.max_timestamp,
        islands.to_block as range_to_block
    from segments
    inner join islands
        on
            segments.chain_id = islands.chain_id
            and segments.filter_class = islands.filter_class
            and segments.island_number = islands.island_number
            and segments.from_block >= islands.from_block
            and segments.to_block <= islands.to_block
    qualify row_number() over (
        partition by
            segments.chain_id,
            segments.filter_class,
            segments.from_block
        order by
            case when islands.finality = 'final' then 0 else 1 end asc,
            islands.decoder_version desc,
            islands.load_id asc,
            islands.from_block asc
    ) = 1

),

final as (

    select
        chain_id,
        filter_class,
        from_block,
        to_block,
        load_id,
        finality,
        min_timestamp,
        max_timestamp,
        -- The end's own timestamp is known only where the segment ends where its range ended.
        case when to_block = range_to_block then max_timestamp end as to_timestamp
    from owned

)

select * from final

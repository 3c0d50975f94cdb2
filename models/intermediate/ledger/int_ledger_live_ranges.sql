with

ranges as (

    select * from {{ ref('stg_poolhouse__load_ranges') }}

),

-- A newer tail replaces the older one by being newer.
newest_tails as (

    select
        chain_id,
        family,
        role,
        event,
        contract_address,
        max(load_id) as load_id
    from ranges
    where finality = 'tail'
    group by chain_id, family, role, event, contract_address

),

candidates as (

    select ranges.*
    from ranges
    left outer join newest_tails
        on
            ranges.chain_id = newest_tails.chain_id
            and ranges.family = newest_tails.family
            and ranges.role = newest_tails.role
            and ranges.event = newest_tails.event
            and ranges.contract_address = newest_tails.contract_address
    where ranges.finality = 'final' or ranges.load_id = newest_tails.load_id

),

-- Ranges of one filter that overlap form an island: only within it can one hide another.
reach as (

    select
        *,
        max(to_block) over (
            partition by chain_id, family, role, event, contract_address
            order by from_block, to_block, load_id
            rows between unbounded preceding and 1 preceding
        ) as reached_block
    from candidates

),

islands as (

    select
        *,
        sum(case when from_block <= reached_block then 0 else 1 end) over (
            partition by chain_id, family, role, event, contract_address
            order by from_block, to_block, load_id
            rows between unbounded preceding and current row
        ) as island_number
    from reach

),

boundaries as (

    select
        chain_id,
        family,
        role,
        event,
        contract_address,
        island_number,
        from_block as boundary
    from islands
    union distinct
    select
        chain_id,
        family,
        role,
        event,
        contract_address,
        island_number,
        to_block + 1 as boundary
    from islands

),

segments as (

    select
        chain_id,
        family,
        role,
        event,
        contract_address,
        island_number,
        boundary as from_block,
        lead(boundary) over (
            partition by chain_id, family, role, event, contract_address, island_number
            order by boundary
        ) - 1 as to_block
    from boundaries

),

-- Final beats tail; among finals the newest decoder's rows count, and of these the first load stands, so that a retry
-- changes nothing.
owned as (

    select
        segments.chain_id,
        segments.family,
        segments.role,
        segments.event,
        segments.contract_address,
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
            and segments.family = islands.family
            and segments.role = islands.role
            and segments.event = islands.event
            and segments.contract_address = islands.contract_address
            and segments.island_number = islands.island_number
            and segments.from_block >= islands.from_block
            and segments.to_block <= islands.to_block
    qualify row_number() over (
        partition by
            segments.chain_id,
            segments.family,
            segments.role,
            segments.event,
            segments.contract_address,
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
        family,
        role,
        event,
        contract_address,
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

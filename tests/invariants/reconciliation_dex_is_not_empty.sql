{{ config(meta = {'tested_in_audits': true}) }}

-- A reconciliation that compared nothing proves nothing: where contracts of a chain were read at pinned blocks and
-- a complete pool of that kind exists, at least one comparison was made.
with

reads as (

    select * from {{ ref('stg_poolhouse__contract_reads') }}

),

pools as (

    select * from {{ ref('dex_pools') }}

),

invariants as (

    select * from {{ ref('data_invariants') }}

),

due as (

    select distinct
        reads.chain_id,
        case reads.function_name
            when 'getReserves' then 'RD1'
            when 'slot0' then 'RD2'
            when 'liquidity' then 'RD3'
        end as invariant_id
    from reads
    inner join pools
        on
            reads.chain_id = pools.chain_id
            and reads.contract_address = pools.pool_address
    where
        reads.function_name in ('getReserves', 'slot0', 'liquidity')
        and pools.is_history_complete

),

done as (

    select
        chain_id,
        invariant_id,
        sum(checked_count) as checked_count
    from invariants
    group by chain_id, invariant_id

),

final as (

    select
        due.chain_id,
        due.invariant_id
    from due
    left outer join done
        on
            due.chain_id = done.chain_id
            and due.invariant_id = done.invariant_id
    where coalesce(done.checked_count, 0) = 0

)

select * from final

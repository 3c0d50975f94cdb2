with

marts as (

    select * from {{ ref('int_quality_marts') }}

),

heads as (

    select * from {{ ref('int_quality_heads') }}

),

-- A mart is as fresh as the stalest family that it is made of.
freshness as (

    select
        marts.mart,
        heads.chain_id,
        heads.head_block as as_of_block,
        heads.head_timestamp as as_of_timestamp
    from marts
    inner join heads
        on marts.family = heads.family
    qualify row_number() over (
        partition by marts.mart, heads.chain_id
        order by heads.head_block, heads.family
    ) = 1

),

shares as (

    select * from {{ ref('int_quality_mart_shares') }}

),

checks as (

    select * from {{ ref('int_quality_mart_checks') }}

),

proofs as (

    select * from {{ ref('int_quality_mart_proofs') }}

),

final as (

    select
        freshness.mart,
        freshness.chain_id,
        case
            when coalesce(checks.failed_count, 0) > 0 then 'failed'
            when coalesce(checks.own_check_count, 0) = 0 then 'logs_only'
            when checks.incomplete_entity_count > 0 then 'incomplete'
            else 'passed'
        end as verdict,
        freshness.as_of_block,
        freshness.as_of_timestamp,
        shares.row_count,
        shares.priced_share,
        shares.exact_share,
        cast(coalesce(checks.reconciled_entity_count, 0) as int64) as reconciled_entity_count,
        cast(coalesce(checks.reconciled_block_count, 0) as int64) as reconciled_block_count,
        cast(coalesce(checks.compared_count, 0) as int64) as compared_count,
        cast(coalesce(checks.mismatch_count, 0) as int64) as mismatch_count,
        cast(coalesce(checks.passed_count, 0) as int64) as checks_passed_count,
        cast(coalesce(checks.failed_count, 0) as int64) as checks_failed_count,
        cast(coalesce(checks.incomplete_count, 0) as int64) as checks_incomplete_count,
        cast(coalesce(checks.incomplete_entity_count, 0) as int64) as incomplete_entity_count,
        cast(proofs.known_answer_count as int64) as known_answer_count,
        cast(proofs.mutated_event_count as int64) as mutated_event_count,
        cast(proofs.mutation_count as int64) as mutation_count,
        cast(proofs.mutation_caught_count as int64) as mutation_caught_count
    from freshness
    inner join proofs
        on freshness.mart = proofs.mart
    left outer join shares
        on
            freshness.mart = shares.mart
            and freshness.chain_id = shares.chain_id
    left outer join checks
        on
            freshness.mart = checks.mart
            and freshness.chain_id = checks.chain_id

)

select * from final

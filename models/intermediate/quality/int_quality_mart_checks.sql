-- Results of every check that speaks for a mart, summed up per mart and chain. A check that speaks for all marts
-- counts for each.
with

results as (

    select * from {{ ref('int_quality_results') }}

),

checks as (

    select * from {{ ref('quality_checks') }}

),

marts as (

    select distinct mart from {{ ref('int_quality_marts') }}

),

spoken_for as (

    select
        marts.mart,
        checks.check_id,
        checks.kind,
        checks.marts != '*' as is_own
    from marts
    inner join checks
        on
            checks.marts = '*'
            or {{ names_mart('checks.marts', 'marts.mart') }}

),

per_check as (

    select
        spoken_for.mart,
        results.chain_id,
        results.invariant_id,
        spoken_for.is_own,
        sum(results.failed_count) as failed_count,
        sum(case when results.status = 'incomplete' then 0 else results.checked_count end)
            as checked_count
    from results
    inner join spoken_for
        on results.invariant_id = spoken_for.check_id
    group by spoken_for.mart, results.chain_id, results.invariant_id, spoken_for.is_own

),

check_counts as (

    select
        mart,
        chain_id,
        count(case when failed_count = 0 and checked_count > 0 then 1 end) as passed_count,
        count(case when failed_count > 0 then 1 end) as failed_count,
        count(case when failed_count = 0 and checked_count = 0 then 1 end) as incomplete_count,
        count(case when is_own and checked_count > 0 then 1 end) as own_check_count
    from per_check
    group by mart, chain_id

),

facts as (

    select
        spoken_for.mart,
        results.chain_id,
        cast(sum(results.checked_count) as int64) as compared_count,
        cast(sum(results.failed_count) as int64) as mismatch_count,
        count(distinct case
            when spoken_for.kind = 'reconciliation' and results.checked_count > 0
                then results.entity
        end) as reconciled_entity_count,
        count(distinct case
            when spoken_for.kind = 'reconciliation' and results.checked_count > 0
                then results.as_of_block
        end) as reconciled_block_count,
        count(distinct case when results.status = 'incomplete' then results.entity end)
            as incomplete_entity_count
    from results
    inner join spoken_for
        on results.invariant_id = spoken_for.check_id
    group by spoken_for.mart, results.chain_id

),

final as (

    select
        facts.mart,
        facts.chain_id,
        check_counts.passed_count,
        check_counts.failed_count,
        check_counts.incomplete_count,
        check_counts.own_check_count,
        facts.compared_count,
        facts.mismatch_count,
        facts.reconciled_entity_count,
        facts.reconciled_block_count,
        facts.incomplete_entity_count
    from facts
    inner join check_counts
        on
            facts.mart = check_counts.mart
            and facts.chain_id = check_counts.chain_id

)

select * from final

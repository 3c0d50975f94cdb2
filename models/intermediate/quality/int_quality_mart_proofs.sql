-- What the repository itself proves of a mart, whatever is loaded: answers of others that it reproduces, and
-- mutations of the events it reads that a test catches.
with

marts as (

    select distinct mart from {{ ref('int_quality_marts') }}

),

answers as (

    select
        marts.mart,
        cast(sum(answers.compared) as int64) as known_answer_count
    from marts
    inner join {{ ref('quality_known_answers') }} as answers
        on {{ names_mart('answers.marts', 'marts.mart') }}
    group by marts.mart

),

mutations as (

    select
        marts.mart,
        count(distinct mutations.event) as mutated_event_count,
        count(*) as mutation_count,
        count(case when mutations.outcome = 'caught' then 1 end) as mutation_caught_count
    from marts
    inner join {{ ref('quality_mutations') }} as mutations
        on {{ names_mart('mutations.marts', 'marts.mart') }}
    group by marts.mart

),

final as (

    select
        marts.mart,
        coalesce(answers.known_answer_count, 0) as known_answer_count,
        coalesce(mutations.mutated_event_count, 0) as mutated_event_count,
        coalesce(mutations.mutation_count, 0) as mutation_count,
        coalesce(mutations.mutation_caught_count, 0) as mutation_caught_count
    from marts
    left outer join answers
        on marts.mart = answers.mart
    left outer join mutations
        on marts.mart = mutations.mart

)

select * from final

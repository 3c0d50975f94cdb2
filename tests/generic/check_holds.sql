{#- One check of `data_invariants`. Fails with the rows that failed, and with the chains on which it compared nothing
    although `facts` has rows there that satisfy `condition`: a check that looks away proves nothing. Where the check
    says `incomplete`, nothing was claimed and nothing is demanded. -#}
{% test check_holds(model, check, facts, condition='true') %}

with

results as (

    select * from {{ model }}
    where invariant_id = '{{ check }}'

),

failed as (

    select
        chain_id,
        entity,
        as_of_block,
        failed_count,
        first_failed_block,
        expected_value,
        actual_value
    from results
    where status = 'failed'

),

due as (

    select distinct chain_id from {{ facts }}
    where {{ condition }}

),

compared as (

    select distinct chain_id from results
    where checked_count > 0 or status = 'incomplete'

),

idle as (

    select
        due.chain_id,
        'nothing was compared' as entity,
        cast(null as int64) as as_of_block,
        0 as failed_count,
        cast(null as int64) as first_failed_block,
        cast(null as {{ dbt.type_string() }}) as expected_value,
        cast(null as {{ dbt.type_string() }}) as actual_value
    from due
    left outer join compared
        on due.chain_id = compared.chain_id
    where compared.chain_id is null

)

select * from failed
union all
select * from idle

{% endtest %}

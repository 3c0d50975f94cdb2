{#- CTEs that end in `final`: one result row per check, entity and pinned block, from `judged`, one row per number
    that was read and modelled: invariant_id, mart, chain_id, entity, block_number, detail (what the number is),
    read_value, modelled_value (NULL: not read, not modelled), status. One number of which nothing can be said leaves the
    entity `incomplete` when none failed. -#}
{% macro comparison_results() -%}
first_failures as (

    select * from judged
    where status = 'failed'
    qualify row_number() over (
        partition by invariant_id, mart, chain_id, entity, block_number
        order by detail, read_value, modelled_value
    ) = 1

),

counted as (

    select
        invariant_id,
        mart,
        chain_id,
        entity,
        block_number,
        sum(case when status = 'incomplete' then 1 else 0 end) as incomplete_count,
        sum(case when status = 'incomplete' then 0 else 1 end) as checked_count,
        sum(case when status = 'failed' then 1 else 0 end) as failed_count
    from judged
    group by invariant_id, mart, chain_id, entity, block_number

),

final as (

    select
        counted.invariant_id,
        counted.mart,
        counted.chain_id,
        counted.entity,
        case
            when counted.failed_count > 0 then 'failed'
            when counted.incomplete_count > 0 then 'incomplete'
            else 'ok'
        end as status,
        cast(counted.checked_count as {{ dbt.type_bigint() }}) as checked_count,
        cast(counted.failed_count as {{ dbt.type_bigint() }}) as failed_count,
        first_failures.block_number as first_failed_block,
        {{ dbt.concat([
            'first_failures.detail', "': '", "coalesce(first_failures.modelled_value, 'not modelled')"
        ]) }} as expected_value,
        {{ dbt.concat([
            'first_failures.detail', "': '", "coalesce(first_failures.read_value, 'not read')"
        ]) }} as actual_value,
        counted.block_number as as_of_block
    from counted
    left outer join first_failures
        on
            counted.invariant_id = first_failures.invariant_id
            and counted.mart = first_failures.mart
            and counted.chain_id = first_failures.chain_id
            and counted.entity = first_failures.entity
            and counted.block_number = first_failures.block_number

)
{%- endmacro %}

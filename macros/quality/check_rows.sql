{#- CTEs that end in `final`: one result row per pool of `pools`, from `checked` (chain_id, entity, block_number,
    log_index, expected_value, actual_value, is_failed). A pool whose history is not loaded from its creation to
    the head is `incomplete`: its checks would accuse the gap, not the data. So would blocks above the head, for
    which only some of the family's events are loaded. -#}
{% macro pool_check_rows(invariant_id, mart) -%}
covered as (

    select checked.*
    from checked
    inner join pools
        on
            checked.chain_id = pools.chain_id
            and checked.entity = pools.pool_address
            and checked.block_number <= pools.head_block

),

first_failures as (

    select *
    from covered
    where is_failed
    qualify row_number() over (
        partition by chain_id, entity
        order by block_number, log_index
    ) = 1

),

totals as (

    select
        chain_id,
        entity,
        count(*) as checked_count,
        sum(case when is_failed then 1 else 0 end) as failed_count
    from covered
    group by chain_id, entity

),

judged as (

    select
        pools.chain_id,
        pools.pool_address as entity,
        pools.is_history_complete,
        pools.head_block as as_of_block,
        case when pools.is_history_complete then coalesce(totals.checked_count, 0) else 0 end
            as checked_count,
        case when pools.is_history_complete then coalesce(totals.failed_count, 0) else 0 end
            as failed_count
    from pools
    left outer join totals
        on
            pools.chain_id = totals.chain_id
            and pools.pool_address = totals.entity

),

final as (

    select
        '{{ invariant_id }}' as invariant_id,
        '{{ mart }}' as mart,
        judged.chain_id,
        judged.entity,
        case
            when not judged.is_history_complete then 'incomplete'
            when judged.failed_count > 0 then 'failed'
            else 'ok'
        end as status,
        cast(judged.checked_count as int64) as checked_count,
        cast(judged.failed_count as int64) as failed_count,
        case when judged.failed_count > 0 then first_failures.block_number end as first_failed_block,
        case when judged.failed_count > 0 then first_failures.expected_value end as expected_value,
        case when judged.failed_count > 0 then first_failures.actual_value end as actual_value,
        judged.as_of_block
    from judged
    left outer join first_failures
        on
            judged.chain_id = first_failures.chain_id
            and judged.entity = first_failures.entity

)
{%- endmacro %}

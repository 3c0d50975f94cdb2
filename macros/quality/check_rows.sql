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

{#- CTEs that end in `final`: one result row per lending market of `subjects` (chain_id, market_address), from `checked`
    (chain_id, market_address, block_number, log_index, detail, expected_value, actual_value, is_failed). Expects the
    CTE `markets`, int_lending_aave_v3_markets. Where is_failed is NULL nothing can be said, for want of a price: such
    rows are not counted, and leave the market `incomplete` when nothing failed. With `needs_history` a market whose
    history is not complete is `incomplete`. -#}
{% macro market_check_rows(invariant_id, mart, needs_history=true) -%}
first_failures as (

    select *
    from checked
    where is_failed
    qualify row_number() over (
        partition by chain_id, market_address
        order by block_number, log_index, detail
    ) = 1

),

totals as (

    select
        chain_id,
        market_address,
        count(is_failed) as checked_count,
        sum(case when is_failed then 1 else 0 end) as failed_count,
        max(case when is_failed is null then 1 else 0 end) as has_unknown
    from checked
    group by chain_id, market_address

),

judged as (

    select distinct
        markets.chain_id,
        markets.market_address,
        markets.as_of_block,
        {{ 'markets.incomplete_reason is null' if needs_history else 'true' }} as is_determined
    from subjects
    inner join markets
        on
            subjects.chain_id = markets.chain_id
            and subjects.market_address = markets.market_address

),

counted as (

    select
        judged.chain_id,
        judged.market_address,
        judged.as_of_block,
        judged.is_determined and coalesce(totals.has_unknown, 0) = 0 as is_determined,
        case when judged.is_determined then coalesce(totals.checked_count, 0) else 0 end
            as checked_count,
        case when judged.is_determined then coalesce(totals.failed_count, 0) else 0 end
            as failed_count
    from judged
    left outer join totals
        on
            judged.chain_id = totals.chain_id
            and judged.market_address = totals.market_address

),

final as (

    select
        '{{ invariant_id }}' as invariant_id,
        '{{ mart }}' as mart,
        counted.chain_id,
        counted.market_address as entity,
        case
            when counted.failed_count > 0 then 'failed'
            when not counted.is_determined then 'incomplete'
            else 'ok'
        end as status,
        cast(counted.checked_count as {{ dbt.type_bigint() }}) as checked_count,
        cast(counted.failed_count as {{ dbt.type_bigint() }}) as failed_count,
        case when counted.failed_count > 0 then first_failures.block_number end
            as first_failed_block,
        case
            when counted.failed_count > 0 then {{ dbt.concat([
                'first_failures.detail', "': '", "coalesce(first_failures.expected_value, 'none')"
            ]) }}
        end as expected_value,
        case
            when counted.failed_count > 0 then {{ dbt.concat([
                'first_failures.detail', "': '", "coalesce(first_failures.actual_value, 'none')"
            ]) }}
        end as actual_value,
        counted.as_of_block
    from counted
    left outer join first_failures
        on
            counted.chain_id = first_failures.chain_id
            and counted.market_address = first_failures.market_address

)
{%- endmacro %}

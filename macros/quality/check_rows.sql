{#- CTEs that end in `final`: one result row per entity of `subjects` (chain_id, entity, is_determined, as_of_block),
    from `relation` (chain_id, entity, block_number, log_index, expected_value, actual_value, is_failed), one row per
    fact. An entity that the loaded blocks do not determine is `incomplete`. Where is_failed is NULL nothing can be said
    of the fact, for want of a price: it is not counted, and leaves the entity `incomplete` when nothing failed. -#}
{% macro check_rows(invariant_id, mart, relation='checked') -%}
first_failures as (

    select *
    from {{ relation }}
    where is_failed
    qualify row_number() over (
        partition by chain_id, entity
        order by block_number, log_index, expected_value, actual_value
    ) = 1

),

totals as (

    select
        chain_id,
        entity,
        count(is_failed) as checked_count,
        sum(case when is_failed then 1 else 0 end) as failed_count,
        max(case when is_failed is null then 1 else 0 end) as has_unknown
    from {{ relation }}
    group by chain_id, entity

),

judged as (

    select
        subjects.chain_id,
        subjects.entity,
        subjects.as_of_block,
        subjects.is_determined and coalesce(totals.has_unknown, 0) = 0 as is_determined,
        case when subjects.is_determined then coalesce(totals.checked_count, 0) else 0 end
            as checked_count,
        case when subjects.is_determined then coalesce(totals.failed_count, 0) else 0 end
            as failed_count
    from subjects
    left outer join totals
        on
            subjects.chain_id = totals.chain_id
            and subjects.entity = totals.entity

),

final as (

    select
        '{{ invariant_id }}' as invariant_id,
        '{{ mart }}' as mart,
        judged.chain_id,
        judged.entity,
        case
            when judged.failed_count > 0 then 'failed'
            when not judged.is_determined then 'incomplete'
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

{#- CTEs that end in `final`: one result row per pool of `pools`, from `checked` (chain_id, entity, block_number,
    log_index, expected_value, actual_value, is_failed). A pool whose history is not loaded from its creation to
    the head is `incomplete`: its checks would accuse the gap, not the data. So would blocks above the head, for
    which only some of the family's events are loaded. `pool` is the column that identifies a pool. -#}
{% macro pool_check_rows(invariant_id, mart, pool='pool_address') -%}
covered as (

    select checked.*
    from checked
    inner join pools
        on
            checked.chain_id = pools.chain_id
            and checked.entity = pools.{{ pool }}
            and checked.block_number <= pools.head_block

),

subjects as (

    select
        chain_id,
        {{ pool }} as entity,
        is_history_complete as is_determined,
        head_block as as_of_block
    from pools

),

{{ check_rows(invariant_id, mart, 'covered') }}
{%- endmacro %}

{#- CTEs that end in `final`: one result row per lending market (`entity`) of `asked` (chain_id, entity),
    from `checked`. Expects the CTE `markets`, int_lending_aave_v3_markets. With `needs_history` a market whose history is
    not complete is `incomplete`. -#}
{% macro market_check_rows(invariant_id, mart, needs_history=true) -%}
subjects as (

    select distinct
        markets.chain_id,
        markets.market_address as entity,
        {{ 'markets.incomplete_reason is null' if needs_history else 'true' }} as is_determined,
        markets.as_of_block
    from asked
    inner join markets
        on
            asked.chain_id = markets.chain_id
            and asked.entity = markets.market_address

),

{{ check_rows(invariant_id, mart) }}
{%- endmacro %}

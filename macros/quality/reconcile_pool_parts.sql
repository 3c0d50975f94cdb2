{#- CTEs that end in `final`: one result row per pool and pinned block, the parts of a pool's state (its positions,
    holders, tokens) against what contracts answered there. Expects the CTEs
    - `pools`: proven pools of the family;
    - `compared` (chain_id, entity, as_of_block, detail, expected_value, actual_value, is_asked, needs_transfers):
      one row per part. `expected_value` is what the loaded events say, if all since the pool's creation are loaded;
      `actual_value` is NULL where no contract answered; `is_asked` is false where none was asked for parts of that
      kind; `needs_transfers` is true where the comparison says nothing without the transfers of tokens. -#}
{% macro reconcile_pool_parts(invariant_id, family, mart) -%}
coverage as (

    select * from {{ ref('int_ledger_family_coverage') }}
    where family in ('{{ family }}', 'erc20')

),

points as (

    select distinct
        chain_id,
        entity,
        as_of_block
    from compared

),

loaded as (

    select
        points.chain_id,
        points.entity,
        points.as_of_block,
        max(case when coverage.family = '{{ family }}' then 1 else 0 end) = 1 as has_history,
        max(case when coverage.family = 'erc20' then 1 else 0 end) = 1 as has_transfers
    from points
    inner join pools
        on
            points.chain_id = pools.chain_id
            and points.entity = pools.pool_address
    inner join coverage
        on
            points.chain_id = coverage.chain_id
            and pools.created_block >= coverage.from_block
            and points.as_of_block <= coverage.to_block
    group by points.chain_id, points.entity, points.as_of_block

),

judged as (

    select
        compared.chain_id,
        compared.entity,
        compared.as_of_block,
        compared.detail,
        compared.expected_value,
        compared.actual_value,
        case
            when not coalesce(loaded.has_history, false) then 'incomplete'
            when compared.needs_transfers and not loaded.has_transfers then 'incomplete'
            when not compared.is_asked or compared.expected_value is null then 'incomplete'
            when compared.expected_value = compared.actual_value then 'ok'
            else 'failed'
        end as status
    from compared
    left outer join loaded
        on
            compared.chain_id = loaded.chain_id
            and compared.entity = loaded.entity
            and compared.as_of_block = loaded.as_of_block

),

first_failures as (

    select *
    from judged
    where status = 'failed'
    qualify row_number() over (
        partition by chain_id, entity, as_of_block
        order by detail
    ) = 1

),

counted as (

    select
        chain_id,
        entity,
        as_of_block,
        sum(case when status = 'incomplete' then 1 else 0 end) as incomplete_count,
        sum(case when status = 'incomplete' then 0 else 1 end) as checked_count,
        sum(case when status = 'failed' then 1 else 0 end) as failed_count
    from judged
    group by chain_id, entity, as_of_block

),

final as (

    select
        '{{ invariant_id }}' as invariant_id,
        '{{ mart }}' as mart,
        counted.chain_id,
        counted.entity,
        case
            when counted.failed_count > 0 then 'failed'
            when counted.incomplete_count > 0 then 'incomplete'
            else 'ok'
        end as status,
        cast(counted.checked_count as int64) as checked_count,
        cast(counted.failed_count as int64) as failed_count,
        first_failures.as_of_block as first_failed_block,
        case
            when first_failures.detail is not null
                then concat(first_failures.detail, ': ', first_failures.expected_value)
        end as expected_value,
        case
            when first_failures.detail is not null
                then concat(first_failures.detail, ': ', coalesce(first_failures.actual_value, 'not read'))
        end as actual_value,
        counted.as_of_block
    from counted
    left outer join first_failures
        on
            counted.chain_id = first_failures.chain_id
            and counted.entity = first_failures.entity
            and counted.as_of_block = first_failures.as_of_block

)
{%- endmacro %}

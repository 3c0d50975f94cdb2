-- I2: what each live range says it loaded is there to the row, and the live segments of a filter neither overlap
-- nor leave a gap. A gap is `incomplete`, not failed: it was never loaded, and state marts leave it out.
with

counted as (

    select * from {{ ref('int_quality_ingestion_range_counts') }}

),

live_ranges as (

    select * from {{ ref('int_ledger_live_ranges') }}

),

neighbours as (

    select
        *,
        lag(to_block) over (
            partition by chain_id, family, role, event, contract_address
            order by from_block, to_block
        ) as previous_to_block
    from live_ranges

),

-- Blocks are counted, not ranges: in how many pieces they were loaded is no fact of the chain.
checks as (

    select
        chain_id,
        family,
        role,
        event,
        contract_address,
        from_block,
        expected_count != actual_count as is_failed,
        false as is_gap,
        {{ int_to_text('expected_count') }} as expected_value,
        {{ int_to_text('actual_count') }} as actual_value,
        from_block as last_block,
        case when expected_count != actual_count then 1 else 0 end as checked_count
    from counted
    union all
    select
        chain_id,
        family,
        role,
        event,
        contract_address,
        from_block,
        coalesce(from_block <= previous_to_block, false) as is_failed,
        coalesce(from_block > previous_to_block + 1, false) as is_gap,
        {{ int_to_text('previous_to_block + 1') }} as expected_value,
        {{ int_to_text('from_block') }} as actual_value,
        to_block as last_block,
        to_block - from_block + 1 as checked_count
    from neighbours

),

first_failures as (

    select *
    from checks
    where is_failed
    qualify row_number() over (
        partition by chain_id, family, role, event, contract_address
        order by from_block, expected_value, actual_value
    ) = 1

),

totals as (

    select
        chain_id,
        family,
        role,
        event,
        contract_address,
        cast(sum(checked_count) as int64) as checked_count,
        sum(case when is_failed then 1 else 0 end) as failed_count,
        max(case when is_gap then 1 else 0 end) as has_gap,
        max(last_block) as as_of_block
    from checks
    group by chain_id, family, role, event, contract_address

),

final as (

    select
        'I2' as invariant_id,
        '*' as mart,
        totals.chain_id,
        concat(totals.family, '.', totals.role, '.', totals.event, ' ', totals.contract_address)
            as entity,
        case
            when totals.failed_count > 0 then 'failed'
            when totals.has_gap = 1 then 'incomplete'
            else 'ok'
        end as status,
        totals.checked_count,
        cast(totals.failed_count as int64) as failed_count,
        first_failures.from_block as first_failed_block,
        first_failures.expected_value,
        first_failures.actual_value,
        totals.as_of_block
    from totals
    left outer join first_failures
        on
            totals.chain_id = first_failures.chain_id
            and totals.family = first_failures.family
            and totals.role = first_failures.role
            and totals.event = first_failures.event
            and totals.contract_address = first_failures.contract_address

)

select * from final

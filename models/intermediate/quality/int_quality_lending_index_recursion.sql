-- Verdict of invariant A1 per reserve.
with

markets as (

    select * from {{ ref('int_lending_aave_v3_markets') }}

),

-- Of a reserve whose first update is the only one loaded nothing can be expected, but that is said.
asked as (

    select distinct chain_id, market_address, token_address
    from {{ ref('int_lending_aave_v3_reserve_indexes') }}
    where event_name = 'ReserveDataUpdated'

),

expected as (

    select * from {{ ref('int_quality_lending_index_expectations') }}

),

judged as (

    select
        *,
        case
            when
                variable_borrow_index_raw = expected_borrow_index
                and (
                    liquidity_index_raw = expected_liquidity_index
                    or (has_jump and liquidity_index_raw >= expected_liquidity_index)
                )
                then 0
            else 1
        end as is_failed
    from expected

),

first_failures as (

    select * from judged
    where is_failed = 1
    qualify row_number() over (
        partition by chain_id, market_address, token_address order by log_position
    ) = 1

),

counted as (

    select
        asked.chain_id,
        asked.market_address,
        asked.token_address,
        count(judged.is_failed) as checked_count,
        coalesce(sum(judged.is_failed), 0) as failed_count
    from asked
    left outer join judged
        on
            asked.chain_id = judged.chain_id
            and asked.market_address = judged.market_address
            and asked.token_address = judged.token_address
    group by asked.chain_id, asked.market_address, asked.token_address

),

final as (

    select
        'A1' as invariant_id,
        'lending_reserves_daily' as mart,
        counted.chain_id,
        {{ dbt.concat(['counted.market_address', "' '", 'counted.token_address']) }} as entity,
        case
            when markets.incomplete_reason is not null then 'incomplete'
            when counted.failed_count > 0 then 'failed'
            else 'ok'
        end as status,
        cast(
            case when markets.incomplete_reason is null then counted.checked_count else 0 end
            as {{ dbt.type_bigint() }}
        ) as checked_count,
        cast(
            case when markets.incomplete_reason is null then counted.failed_count else 0 end
            as {{ dbt.type_bigint() }}
        ) as failed_count,
        first_failures.block_number as first_failed_block,
        {{ dbt.concat([
            int_to_text('first_failures.expected_liquidity_index'), "' '",
            int_to_text('first_failures.expected_borrow_index'),
        ]) }} as expected_value,
        {{ dbt.concat([
            int_to_text('first_failures.liquidity_index_raw'), "' '",
            int_to_text('first_failures.variable_borrow_index_raw'),
        ]) }} as actual_value,
        markets.as_of_block
    from counted
    inner join markets
        on
            counted.chain_id = markets.chain_id
            and counted.market_address = markets.market_address
    left outer join first_failures
        on
            markets.incomplete_reason is null
            and counted.chain_id = first_failures.chain_id
            and counted.market_address = first_failures.market_address
            and counted.token_address = first_failures.token_address

)

select * from final

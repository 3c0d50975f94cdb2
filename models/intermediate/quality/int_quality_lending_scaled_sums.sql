-- Invariant A3 per aToken and debt token: the accounts' scaled balances add up to what was minted less what was burned,
-- and no account was below zero after any block.
with

markets as (

    select * from {{ ref('int_lending_aave_v3_markets') }}

),

balances as (

    select * from {{ ref('int_lending_aave_v3_scaled_balances') }}

),

newest as (

    select
        chain_id,
        market_address,
        position_token_address,
        sum(scaled_balance_raw) as scaled_total_raw
    from balances
    where until_block = 9223372036854775807
    group by chain_id, market_address, position_token_address

),

histories as (

    select
        chain_id,
        position_token_address,
        count(*) as checked_count,
        sum(case when coalesce(scaled_balance_raw, {{ exact_int(-1) }}) < 0 then 1 else 0 end)
            as negative_count,
        min(case when coalesce(scaled_balance_raw, {{ exact_int(-1) }}) < 0 then block_number end)
            as first_negative_block
    from balances
    group by chain_id, position_token_address

),

-- Transfers move, they do not make: the other side counts mints and burns alone.
issued as (

    select
        chain_id,
        position_token_address,
        sum(scaled_delta_raw) as scaled_total_raw
    from {{ ref('int_lending_aave_v3_scaled_deltas') }}
    where leg in ('mint', 'burn')
    group by chain_id, position_token_address

),

judged as (

    select
        newest.chain_id,
        newest.market_address,
        newest.position_token_address,
        histories.checked_count + 1 as checked_count,
        histories.first_negative_block,
        newest.scaled_total_raw as actual_total_raw,
        coalesce(issued.scaled_total_raw, {{ exact_int(0) }}) as expected_total_raw,
        histories.negative_count
        + case
            when newest.scaled_total_raw = coalesce(issued.scaled_total_raw, {{ exact_int(0) }})
                then 0
            else 1
        end as failed_count
    from newest
    inner join histories
        on
            newest.chain_id = histories.chain_id
            and newest.position_token_address = histories.position_token_address
    left outer join issued
        on
            newest.chain_id = issued.chain_id
            and newest.position_token_address = issued.position_token_address

),

final as (

    select
        'A3' as invariant_id,
        'lending_positions' as mart,
        judged.chain_id,
        {{ dbt.concat(['judged.market_address', "' '", 'judged.position_token_address']) }}
            as entity,
        case
            when markets.incomplete_reason is not null then 'incomplete'
            when judged.failed_count > 0 then 'failed'
            else 'ok'
        end as status,
        cast(
            case when markets.incomplete_reason is null then judged.checked_count else 0 end
            as {{ dbt.type_bigint() }}
        ) as checked_count,
        cast(
            case when markets.incomplete_reason is null then judged.failed_count else 0 end
            as {{ dbt.type_bigint() }}
        ) as failed_count,
        case
            when judged.failed_count > 0 and markets.incomplete_reason is null
                then coalesce(judged.first_negative_block, markets.as_of_block)
        end as first_failed_block,
        case
            when judged.failed_count > 0 and markets.incomplete_reason is null
                then {{ int_to_text('judged.expected_total_raw') }}
        end as expected_value,
        case
            when judged.failed_count > 0 and markets.incomplete_reason is null
                then {{ int_to_text('judged.actual_total_raw') }}
        end as actual_value,
        markets.as_of_block
    from judged
    inner join markets
        on
            judged.chain_id = markets.chain_id
            and judged.market_address = markets.market_address

)

select * from final

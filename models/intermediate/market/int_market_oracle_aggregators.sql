-- A proxy says nothing when it changes its aggregator: the phases are read from it, and a phase is taken to end
-- where the first answer of a later one begins.
with

feeds as (

    select * from {{ ref('registry_feeds') }}

),

answers as (

    select * from {{ ref('int_ledger_contract_answers') }}
    where
        function_name in ('aggregator', 'phaseAggregators')
        and status = 'ok'
        and closed_date = {{ open_date() }}

),

token_answers as (

    select * from {{ ref('int_market_token_answers') }}

),

answer_days as (

    select * from {{ ref('int_market_oracle_answer_days') }}

),

feed_answers as (

    select
        answers.chain_id,
        answers.contract_address as feed_address,
        answers.value,
        answers.block_number,
        {{ try_cast(json_array_item('answers.arguments', 0), dbt.type_bigint()) }} as phase_id
    from answers
    inner join feeds
        on
            answers.chain_id = feeds.chain_id
            and answers.contract_address = feeds.feed_address

),

-- The current aggregator has no number of its own where only `aggregator` was read: it is the last phase, and
-- of several such the one read later is the later one.
phases as (

    select
        chain_id,
        feed_address,
        value as aggregator_address,
        coalesce(max(phase_id), 65536) as phase_id,
        max(block_number) as last_read_block
    from feed_answers
    where value != {{ zero_address() }}
    group by chain_id, feed_address, value

),

first_answers as (

    select
        chain_id,
        aggregator_address,
        min(first_block) as first_block,
        min(first_timestamp) as first_timestamp
    from answer_days
    group by chain_id, aggregator_address

),

feed_decimals as (

    select
        token_answers.chain_id,
        token_answers.contract_address as feed_address,
        max(token_answers.decimals) as decimals
    from token_answers
    inner join feeds
        on
            token_answers.chain_id = feeds.chain_id
            and token_answers.contract_address = feeds.feed_address
    group by token_answers.chain_id, token_answers.contract_address

),

final as (

    select
        phases.chain_id,
        phases.feed_address,
        phases.aggregator_address,
        phases.phase_id,
        phases.last_read_block,
        first_answers.first_timestamp,
        min(first_answers.first_block) over (
            partition by phases.chain_id, phases.feed_address
            order by phases.phase_id, phases.last_read_block, phases.aggregator_address
            rows between 1 following and unbounded following
        ) as valid_before_block,
        min(first_answers.first_timestamp) over (
            partition by phases.chain_id, phases.feed_address
            order by phases.phase_id, phases.last_read_block, phases.aggregator_address
            rows between 1 following and unbounded following
        ) as valid_before_timestamp,
        feeds.base_token_address as token_address,
        feeds.quote,
        feeds.heartbeat_s,
        coalesce(feed_decimals.decimals, feeds.decimals) as decimals
    from phases
    inner join feeds
        on
            phases.chain_id = feeds.chain_id
            and phases.feed_address = feeds.feed_address
    left outer join first_answers
        on
            phases.chain_id = first_answers.chain_id
            and phases.aggregator_address = first_answers.aggregator_address
    left outer join feed_decimals
        on
            phases.chain_id = feed_decimals.chain_id
            and phases.feed_address = feed_decimals.feed_address

)

select * from final

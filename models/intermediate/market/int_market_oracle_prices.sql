{{
    config(
        materialized = 'incremental',
        incremental_strategy = replace_strategy(),
        partition_by = day_partition('block_date'),
        cluster_by = ['block_timestamp', 'chain_id', 'feed_address'],
        meta = {'dirty_families': ['chainlink'], 'dirty_dimensions': ['price_feeds']},
        pre_hook = "{{ find_dirty_days() }}",
        post_hook = "{{ record_watermark(ref('int_dimension_changes')) }}",
    )
}}

with

aggregators as (

    select * from {{ ref('int_market_oracle_aggregators') }}

),

answers as (

    select * from {{ ref('stg_chainlink__aggregator_answer_updated') }}
    where {{ is_dirty('block_timestamp', 'block_timestamp') }}

),

final as (

    select
        answers.chain_id,
        answers.block_number,
        answers.block_timestamp,
        answers.block_date,
        answers.tx_hash,
        answers.tx_index,
        answers.log_index,
        aggregators.feed_address,
        aggregators.aggregator_address,
        aggregators.phase_id,
        aggregators.token_address,
        aggregators.quote,
        aggregators.heartbeat_s,
        aggregators.decimals,
        answers.round_id,
        answers.updated_at,
        answers.answer_raw,
        case
            when answers.answer_raw > 0
                then {{ to_human('answers.answer_raw', 'aggregators.decimals') }}
        end as price_usd
    from answers
    inner join aggregators
        on
            answers.chain_id = aggregators.chain_id
            and answers.aggregator_address = aggregators.aggregator_address
            and (
                aggregators.valid_before_block is null
                or answers.block_number < aggregators.valid_before_block
            )

)

select * from final

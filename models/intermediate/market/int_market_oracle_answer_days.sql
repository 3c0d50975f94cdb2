-- First answers of each day: what tells of an aggregator's beginning without reading all of its answers.
{{
    config(
        materialized = 'incremental',
        incremental_strategy = replace_strategy(),
        partition_by = day_partition('block_date'),
        cluster_by = ['chain_id', 'aggregator_address'],
        meta = {
            'dirty_families': ['chainlink'],
            'dirty_grain': 'day',
        },
        pre_hook = "{{ find_dirty_days() }}",
        post_hook = "{{ record_watermark() }}",
    )
}}

with

answers as (

    select * from {{ ref('stg_chainlink__aggregator_answer_updated') }}
    where {{ is_dirty('block_timestamp') }}

),

final as (

    select
        chain_id,
        aggregator_address,
        block_date,
        min(block_number) as first_block,
        min(block_timestamp) as first_timestamp
    from answers
    group by chain_id, aggregator_address, block_date

)

select * from final

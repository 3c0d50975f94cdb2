{{
    config(
        materialized = 'incremental',
        incremental_strategy = replace_strategy(),
        partition_by = day_partition('closed_date'),
        cluster_by = ['chain_id', 'feed_address'],
        meta = aave_onward(),
        pre_hook = "{{ find_dirty_days() }}",
        post_hook = "{{ record_watermark(ref('int_dimension_changes')) }}",
    )
}}
{%- set keys = ['chain_id', 'feed_address'] -%}
{%- set columns = keys + ['block_number', 'block_date', 'log_index', 'price_raw'] %}
-- Answers of every price feed, each until the next: what a source has to say when a market's oracle turns to it.
with

stated as (

    select
        chain_id,
        feed_address,
        block_number,
        block_date,
        log_index,
        -- The contract falls back to another oracle where an answer is not positive; we say nothing instead.
        case when answer_raw > 0 then answer_raw end as price_raw
    from {{ ref('int_market_oracle_prices') }}
    where {{ is_dirty_onward('block_date') }}
    {{ union_carried(columns) | indent(4) }}

),

final as (

    select
        stated.*,
        {{ log_position('stated.block_number', 'stated.log_index') }} as log_position,
        {{ closed_date('stated', keys) | indent(8) }} as closed_date
    from stated

)

select * from final

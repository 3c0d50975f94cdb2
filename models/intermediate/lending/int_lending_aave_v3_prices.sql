{{
    config(
        materialized = 'incremental',
        incremental_strategy = replace_strategy(),
        partition_by = day_partition('closed_date'),
        cluster_by = ['chain_id', 'market_address', 'token_address'],
        meta = aave_onward(),
        pre_hook = "{{ find_dirty_days() }}",
        post_hook = "{{ record_watermark(ref('int_dimension_changes')) }}",
    )
}}
{%- set keys = ['chain_id', 'market_address', 'token_address'] -%}
{%- set columns = keys + [
    'source_address', 'block_number', 'block_date', 'log_index', 'price_raw', 'answer_block',
] %}
-- Every price of the market's own oracle, in its base currency, from each change on: the answers of the source in
-- force, and at a change of source the last answer that the new one had given before.
with

answers as (

    select * from {{ ref('int_lending_aave_v3_feed_answers') }}
    where {{ is_dirty_onward('closed_date') }}

),

sources as (

    select * from {{ ref('int_lending_aave_v3_price_sources') }}

),

inherited as (

    select
        sources.chain_id,
        sources.market_address,
        sources.token_address,
        sources.source_address,
        sources.block_number,
        sources.block_date,
        sources.log_index,
        answers.price_raw,
        answers.block_number as answer_block
    from sources
    left outer join answers
        on
            sources.chain_id = answers.chain_id
            and sources.source_address = answers.feed_address
            and sources.log_position > answers.log_position
    where {{ is_dirty_onward('sources.block_date') }}
    qualify row_number() over (
        partition by
            sources.chain_id, sources.market_address, sources.token_address, sources.log_position
        order by answers.log_position desc
    ) = 1

),

stated as (

    select * from inherited
    union all
    select
        sources.chain_id,
        sources.market_address,
        sources.token_address,
        sources.source_address,
        answers.block_number,
        answers.block_date,
        answers.log_index,
        answers.price_raw,
        answers.block_number as answer_block
    from sources
    inner join answers
        on
            sources.chain_id = answers.chain_id
            and sources.source_address = answers.feed_address
            and sources.log_position < answers.log_position
            and (sources.until_position is null or sources.until_position > answers.log_position)
    where {{ is_dirty_onward('answers.block_date') }}
    {{ union_carried(columns) | indent(4) }}

),

final as (

    select
        stated.*,
        {{ log_position('stated.block_number', 'stated.log_index') }} as log_position,
        {{ until_block('stated', keys) | indent(8) }} as until_block,
        {{ closed_date('stated', keys) | indent(8) }} as closed_date
    from stated

)

select * from final

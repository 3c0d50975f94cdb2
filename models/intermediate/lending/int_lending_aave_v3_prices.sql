-- Every price of the market's own oracle, in its base currency, from each change on: the answers of the source in
-- force, and at a change of source the last answer that the new one had given before.
with

markets as (

    select * from {{ ref('int_lending_aave_v3_markets') }}

),

answers as (

    select
        chain_id,
        feed_address,
        block_number,
        block_date,
        log_index,
        {{ log_position('block_number', 'log_index') }} as log_position,
        case when answer_raw > 0 then answer_raw end as price_raw
    from {{ ref('int_market_oracle_prices') }}

),

source_changes as (

    select
        markets.chain_id,
        markets.market_address,
        events.token_address,
        events.source_address,
        events.block_number,
        events.block_date,
        events.log_index,
        {{ log_position('events.block_number', 'events.log_index') }} as log_position
    from {{ ref('stg_aave_v3__oracle_asset_source_updated') }} as events
    inner join markets
        on
            events.chain_id = markets.chain_id
            and events.oracle_address = markets.oracle_address

),

sources as (

    select
        source_changes.*,
        lead(source_changes.log_position) over (
            partition by
                source_changes.chain_id,
                source_changes.market_address,
                source_changes.token_address
            order by source_changes.log_position
        ) as until_position
    from source_changes

),

-- The contract falls back to another oracle where an answer is not positive; we say nothing instead.
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

),

final as (

    select
        stated.*,
        {{ log_position('stated.block_number', 'stated.log_index') }} as log_position,
        {{ until_block('stated', ['chain_id', 'market_address', 'token_address']) | indent(8) }}
            as until_block
    from stated

)

select * from final

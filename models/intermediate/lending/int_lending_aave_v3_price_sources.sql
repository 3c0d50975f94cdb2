-- Which source a market's oracle turned to for each token, and when.
with

markets as (

    select * from {{ ref('int_lending_aave_v3_markets') }}

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

final as (

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

)

select * from final

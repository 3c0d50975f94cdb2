-- The hours for which a token can have a price: from its first observation to a day after its last, never beyond
-- the ledger's head.
with

pair_hours as (

    select * from {{ ref('int_market_pair_hours') }}

),

oracle_prices as (

    select * from {{ ref('int_market_oracle_prices') }}

),

heads as (

    select
        chain_id,
        {{ to_hour('max(head_timestamp)') }} as head_hour
    from {{ ref('int_ledger_heads') }}
    group by chain_id

),

observations as (

    select
        chain_id,
        token_address,
        price_hour
    from pair_hours
    union distinct
    -- An anchor's own pools say that it is alive as well.
    select
        chain_id,
        quote_token_address as token_address,
        price_hour
    from pair_hours
    union distinct
    select
        chain_id,
        token_address,
        {{ to_hour('block_timestamp') }} as price_hour
    from oracle_prices

),

spans as (

    select
        chain_id,
        token_address,
        min(price_hour) as first_hour,
        max(price_hour) as last_hour
    from observations
    group by chain_id, token_address

),

bounded as (

    select
        spans.chain_id,
        spans.token_address,
        spans.first_hour,
        case
            when heads.head_hour is null or heads.head_hour < spans.last_hour then spans.last_hour
            when heads.head_hour < spans.last_hour + interval 24 hour then heads.head_hour
            else spans.last_hour + interval 24 hour
        end as last_hour
    from spans
    left outer join heads
        on spans.chain_id = heads.chain_id

),

final as (

    select
        bounded.chain_id,
        bounded.token_address,
        cast(hours.hour_start as {{ dbt.type_timestamp() }}) as price_hour,
        {{ unix_seconds('hours.hour_start') }} as hour_seconds
    from bounded
    cross join {{ unnest_hours('bounded.first_hour', 'bounded.last_hour') }}

)

select * from final

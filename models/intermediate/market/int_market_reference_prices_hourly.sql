-- What is known of a token's price without looking at a pool: the last oracle answer at the end of the hour, and
-- for a stable without one the price it aims at.
with

token_hours as (

    select * from {{ ref('int_market_token_hours') }}

),

oracle_prices as (

    select * from {{ ref('int_market_oracle_prices') }}

),

tokens as (

    select * from {{ ref('tokens') }}

),

last_answers as (

    select
        chain_id,
        token_address,
        {{ to_hour('block_timestamp') }} as price_hour,
        {{ unix_seconds('block_timestamp') }} as answer_seconds,
        heartbeat_s,
        price_usd
    from oracle_prices
    where price_usd is not null
    qualify row_number() over (
        partition by chain_id, token_address, {{ to_hour('block_timestamp') }}
        order by block_number desc, log_index desc, feed_address asc
    ) = 1

),

filled as (

    select
        token_hours.chain_id,
        token_hours.token_address,
        token_hours.price_hour,
        token_hours.hour_seconds,
        last_value(last_answers.price_usd ignore nulls) over (
            partition by token_hours.chain_id, token_hours.token_address
            order by token_hours.price_hour
            rows between unbounded preceding and current row
        ) as price_usd,
        last_value(last_answers.answer_seconds ignore nulls) over (
            partition by token_hours.chain_id, token_hours.token_address
            order by token_hours.price_hour
            rows between unbounded preceding and current row
        ) as answer_seconds,
        last_value(last_answers.heartbeat_s ignore nulls) over (
            partition by token_hours.chain_id, token_hours.token_address
            order by token_hours.price_hour
            rows between unbounded preceding and current row
        ) as heartbeat_s
    from token_hours
    left outer join last_answers
        on
            token_hours.chain_id = last_answers.chain_id
            and token_hours.token_address = last_answers.token_address
            and token_hours.price_hour = last_answers.price_hour

),

-- Age at the end of the hour. An answer beyond the feed's own promise is stale; past a day more it is no price.
aged as (

    select
        *,
        hour_seconds + 3600 - answer_seconds as age_s
    from filled

),

judged as (

    select
        aged.chain_id,
        aged.token_address,
        aged.price_hour,
        case when aged.age_s <= aged.heartbeat_s + 86400 then aged.price_usd end
            as oracle_price_usd,
        aged.age_s as oracle_age_s,
        aged.age_s > aged.heartbeat_s * 1.1 + 120 as is_oracle_stale,
        case when tokens.category = 'stable' then tokens.peg_usd end as peg_usd
    from aged
    inner join tokens
        on
            aged.chain_id = tokens.chain_id
            and aged.token_address = tokens.token_address

),

final as (

    select
        chain_id,
        token_address,
        price_hour,
        oracle_price_usd,
        case when oracle_price_usd is not null then oracle_age_s end as oracle_age_s,
        case when oracle_price_usd is not null then is_oracle_stale end as is_oracle_stale,
        coalesce(oracle_price_usd, cast(peg_usd as {{ type_float64() }})) as price_usd,
        case
            when oracle_price_usd is not null then 'oracle'
            when peg_usd is not null then 'peg'
        end as price_source,
        cast(
            case
                when oracle_price_usd is not null and is_oracle_stale then 0.5
                when oracle_price_usd is not null then 1.0
                when peg_usd is not null then 0.6
            end as {{ type_float64() }}
        ) as price_confidence
    from judged

)

select * from final

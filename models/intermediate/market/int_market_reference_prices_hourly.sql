-- What is known of a token's price without looking at a pool: the last oracle answer at the end of the hour, and
-- for a stable without one the price it aims at. Its hours are those in which the token can have any price: an oracle
-- gives one, or it was exchanged against an anchor within a day; for a stable with a peg also those in which it was
-- swapped at all. None is beyond the head of what is loaded: when that moves, the hours from it on are dirty.
{{
    config(
        materialized = 'incremental',
        incremental_strategy = replace_strategy(),
        partition_by = day_partition('price_hour', 'timestamp'),
        cluster_by = ['price_hour', 'chain_id', 'token_address'],
        meta = price_meta(2, read_back_days=1),
        pre_hook = "{{ find_dirty_days() }}",
        post_hook = "{{ record_watermark(ref('int_dimension_changes')) }}",
    )
}}

with

pair_hours as (

    select * from {{ ref('int_market_pair_hours') }}
    where {{ is_read_for_dirty('price_hour') }}

),

oracle_prices as (

    select * from {{ ref('int_market_oracle_prices_hourly') }}
    where {{ is_dirty('price_hour', 'price_hour') }}

),

swaps as (

    select
        chain_id,
        token_in,
        token_out,
        {{ to_hour('block_timestamp') }} as price_hour
    from {{ ref('int_dex_swaps') }}
    where
        {{ is_dirty('block_date', 'block_timestamp') }}
        and is_known

),

pegs as (

    select
        chain_id,
        token_address,
        cast(peg_usd as {{ type_float64() }}) as peg_usd
    from {{ ref('registry_tokens') }}
    where category = 'stable' and peg_usd is not null

),

heads as (

    select
        chain_id,
        {{ to_hour('max(max_timestamp)') }} as head_hour
    from {{ ref('int_ledger_live_segments') }}
    where {{ has_family('families', price_families()) }}
    group by chain_id

),

-- An anchor's own pools say that it is alive as well.
exchanged as (

    select
        chain_id,
        token_address,
        price_hour
    from pair_hours
    union distinct
    select
        chain_id,
        quote_token_address as token_address,
        price_hour
    from pair_hours

),

{{ carry_forward('exchanged', 'price_hour + interval 24 hour') }},

token_hours as (

    select
        chain_id,
        token_address,
        carried_hour as price_hour
    from carried
    where {{ is_dirty('carried_hour', 'carried_hour') }}
    union distinct
    select
        chain_id,
        token_address,
        price_hour
    from oracle_prices
    union distinct
    select
        swaps.chain_id,
        pegs.token_address,
        swaps.price_hour
    from swaps
    inner join pegs
        on
            swaps.chain_id = pegs.chain_id
            and pegs.token_address in (swaps.token_in, swaps.token_out)

),

known as (

    select
        token_hours.chain_id,
        token_hours.token_address,
        token_hours.price_hour,
        oracle_prices.price_usd as oracle_price_usd,
        oracle_prices.age_s as oracle_age_s,
        oracle_prices.is_stale as is_oracle_stale,
        pegs.peg_usd
    from token_hours
    inner join heads
        on
            token_hours.chain_id = heads.chain_id
            and token_hours.price_hour <= heads.head_hour
    left outer join oracle_prices
        on
            token_hours.chain_id = oracle_prices.chain_id
            and token_hours.token_address = oracle_prices.token_address
            and token_hours.price_hour = oracle_prices.price_hour
    left outer join pegs
        on
            token_hours.chain_id = pegs.chain_id
            and token_hours.token_address = pegs.token_address

),

final as (

    select
        chain_id,
        token_address,
        price_hour,
        oracle_price_usd,
        oracle_age_s,
        is_oracle_stale,
        coalesce(oracle_price_usd, peg_usd) as price_usd,
        case
            when oracle_price_usd is not null then 'oracle'
            when peg_usd is not null then 'peg'
        end as price_source,
        cast(
            case
                when is_oracle_stale then 0.5
                when oracle_price_usd is not null then 1.0
                when peg_usd is not null then 0.6
            end as {{ type_float64() }}
        ) as price_confidence
    from known

)

select * from final

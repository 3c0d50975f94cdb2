{{
    config(
        materialized = 'incremental',
        incremental_strategy = replace_strategy(),
        partition_by = day_partition('block_date'),
        cluster_by = ['chain_id', 'block_timestamp'],
        meta = price_meta(18, date='block_date', time='block_timestamp'),
        pre_hook = "{{ find_dirty_days() }}",
        post_hook = "{{ record_watermark(ref('int_dimension_changes')) }}",
    )
}}

-- Human amounts of every swap and the prices of its tokens in its hour. Only swaps of proven pools get prices:
-- what an unknown contract states may be invented.
with

swaps as (

    select
        *,
        {{ to_hour('block_timestamp') }} as price_hour
    from {{ ref('int_dex_swaps') }}
    where {{ is_dirty('block_date', 'block_timestamp') }}

),

tokens as (

    select * from {{ ref('tokens') }}

),

prices as (

    select * from {{ ref('token_prices_hourly') }}
    where {{ is_dirty('price_hour', 'price_hour') }}

),

legs as (

    select
        swaps.*,
        tokens_in.symbol as token_in_symbol,
        tokens_out.symbol as token_out_symbol,
        {{ to_human('swaps.amount_in_raw', 'tokens_in.decimals') }} as amount_in,
        {{ to_human('swaps.amount_out_raw', 'tokens_out.decimals') }} as amount_out,
        case when swaps.sells_token0 then tokens_in.decimals else tokens_out.decimals end
            as decimals0,
        case when swaps.sells_token0 then tokens_out.decimals else tokens_in.decimals end
            as decimals1,
        coalesce(tokens_in.is_anchor, false) and not coalesce(tokens_out.is_anchor, false)
            as is_only_in_anchor,
        case when swaps.is_known then prices_in.price_usd end as price_in,
        prices_in.price_source as source_in,
        prices_in.price_confidence as confidence_in,
        case when swaps.is_known then prices_out.price_usd end as price_out,
        prices_out.price_source as source_out,
        prices_out.price_confidence as confidence_out
    from swaps
    left outer join tokens as tokens_in
        on
            swaps.chain_id = tokens_in.chain_id
            and swaps.token_in = tokens_in.token_address
    left outer join tokens as tokens_out
        on
            swaps.chain_id = tokens_out.chain_id
            and swaps.token_out = tokens_out.token_address
    left outer join prices as prices_in
        on
            swaps.chain_id = prices_in.chain_id
            and swaps.token_in = prices_in.token_address
            and swaps.price_hour = prices_in.price_hour
    left outer join prices as prices_out
        on
            swaps.chain_id = prices_out.chain_id
            and swaps.token_out = prices_out.token_address
            and swaps.price_hour = prices_out.price_hour

)

select * from legs

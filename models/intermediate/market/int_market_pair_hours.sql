-- Exact totals of what was exchanged against each anchor: a volume-weighted price is their quotient.
{{
    config(
        materialized = 'incremental',
        incremental_strategy = replace_strategy(),
        partition_by = day_partition('price_hour', 'timestamp'),
        cluster_by = ['price_hour', 'chain_id', 'token_address'],
        meta = price_meta(0),
        pre_hook = "{{ find_dirty_days() }}",
        post_hook = "{{ record_watermark(ref('int_dimension_changes')) }}",
    )
}}

with

swaps as (

    select * from {{ ref('int_dex_swaps') }}
    where
        {{ is_dirty('block_date', 'block_timestamp') }}
        and is_known
        and is_exchange
        -- A worthless token's contract may invent amounts that would overflow a sum.
        and abs(amount0_raw) <= {{ exact_int('1000000000000000000000000000000000') }}
        and abs(amount1_raw) <= {{ exact_int('1000000000000000000000000000000000') }}

),

tokens as (

    select * from {{ ref('tokens') }}

),

legs as (

    select
        chain_id,
        {{ to_hour('block_timestamp') }} as price_hour,
        token_in as token_address,
        token_out as quote_token_address,
        amount_in_raw as base_raw,
        amount_out_raw as quote_raw
    from swaps
    union all
    select
        chain_id,
        {{ to_hour('block_timestamp') }} as price_hour,
        token_out as token_address,
        token_in as quote_token_address,
        amount_out_raw as base_raw,
        amount_in_raw as quote_raw
    from swaps

),

totals as (

    select
        chain_id,
        token_address,
        quote_token_address,
        price_hour,
        count(*) as swap_count,
        sum(base_raw) as base_raw,
        sum(quote_raw) as quote_raw
    from legs
    group by chain_id, token_address, quote_token_address, price_hour

),

final as (

    select
        totals.chain_id,
        totals.token_address,
        totals.quote_token_address,
        totals.price_hour,
        totals.swap_count,
        totals.base_raw,
        totals.quote_raw,
        {{ to_human('totals.base_raw', 'base_tokens.decimals') }} as base_amount,
        {{ to_human('totals.quote_raw', 'quote_tokens.decimals') }} as quote_amount,
        base_tokens.decimals,
        quote_tokens.category = 'stable' as is_quote_stable
    from totals
    inner join tokens as base_tokens
        on
            totals.chain_id = base_tokens.chain_id
            and totals.token_address = base_tokens.token_address
    inner join tokens as quote_tokens
        on
            totals.chain_id = quote_tokens.chain_id
            and totals.quote_token_address = quote_tokens.token_address
    where
        quote_tokens.is_anchor
        and base_tokens.decimals is not null
        and quote_tokens.decimals is not null

)

select * from final

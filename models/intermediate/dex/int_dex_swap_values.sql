{{ config(materialized = 'view') }}

-- US dollars of every swap, from the prices of its two legs.
with

legs as (

    select * from {{ ref('int_dex_swap_legs') }}

),

valued as (

    select
        *,
        case when is_exchange then amount_in * price_in end as in_usd,
        case when is_exchange then amount_out * price_out end as out_usd
    from legs

),

compared as (

    select
        *,
        coalesce(abs(in_usd - out_usd) > 0.2 * (in_usd + out_usd) / 2, false)
            as has_usd_leg_disagreement
    from valued

),

-- Both legs where both are sure and agree, else the surer one; an anchor decides a tie, then what was bought.
chosen as (

    select
        *,
        case
            when in_usd is null and out_usd is null then null
            when in_usd is null then 'out'
            when out_usd is null then 'in'
            when
                not has_usd_leg_disagreement and confidence_in >= 0.9 and confidence_out >= 0.9
                then 'avg'
            when confidence_in > confidence_out then 'in'
            when confidence_in < confidence_out then 'out'
            when is_only_in_anchor then 'in'
            else 'out'
        end as usd_leg
    from compared

),

totals as (

    select
        *,
        case
            when is_known and amount_out_raw = 0 then 0
            when usd_leg = 'avg' then (in_usd + out_usd) / 2
            when usd_leg = 'in' then in_usd
            when usd_leg = 'out' then out_usd
        end as total_usd,
        case
            when usd_leg = 'in' or (usd_leg = 'avg' and confidence_in < confidence_out) then 'in'
            when usd_leg is not null then 'out'
        end as source_leg
    from chosen

),

priced as (

    select
        *,
        total_usd * fee_pips / 1000000 as total_fee_usd,
        case source_leg when 'in' then source_in when 'out' then source_out end as price_source,
        case source_leg when 'in' then confidence_in when 'out' then confidence_out end
            as price_confidence
    from totals

),

final as (

    select
        chain_id,
        block_number,
        block_timestamp,
        block_date,
        tx_hash,
        tx_index,
        log_index,
        protocol,
        version,
        -- In these families a pool is its contract.
        pool_address as pool_id,
        pool_address,
        case when sells_token0 then token_in else token_out end as token0,
        case when sells_token0 then token_out else token_in end as token1,
        token_in,
        token_out,
        token_in_symbol,
        token_out_symbol,
        amount_in_raw,
        amount_out_raw,
        amount_in_logged_raw,
        amount_out_logged_raw,
        amount_in,
        amount_out,
        amount0_raw,
        amount1_raw,
        decimals0,
        decimals1,
        fee_pips,
        sqrt_price_x96,
        tick,
        liquidity_raw,
        reserve0_raw,
        reserve1_raw,
        case
            when sqrt_price_x96 is not null
                then {{ uniswap_v3_price('sqrt_price_x96', 'decimals0', 'decimals1') }}
            else {{ uniswap_v2_price('reserve0_raw', 'reserve1_raw', 'decimals0', 'decimals1') }}
        end as spot_price_after,
        case
            when is_exchange and sells_token0 then {{ safe_ratio('amount_out', 'amount_in') }}
            when is_exchange then {{ safe_ratio('amount_in', 'amount_out') }}
        end as exec_price,
        sender,
        recipient,
        is_known,
        is_flash,
        is_exchange,
        has_overflow,
        price_hour,
        {{ to_usd('total_usd') }} as amount_usd,
        {{ to_usd('total_fee_usd') }} as fee_usd,
        usd_leg,
        price_source,
        price_confidence,
        has_usd_leg_disagreement
    from priced

)

select * from final

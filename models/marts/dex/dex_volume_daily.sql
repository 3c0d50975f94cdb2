{{
    config(
        materialized = 'incremental',
        incremental_strategy = replace_strategy(),
        on_schema_change = 'fail',
        partition_by = day_partition('block_date'),
        cluster_by = ['chain_id', 'protocol', 'version'],
        meta = dict(
            price_meta(18, date='block_date', time='block_timestamp'),
            dirty_families = transaction_families(),
            dirty_grain = 'day',
        ),
        pre_hook = "{{ find_dirty_days() }}",
        post_hook = "{{ record_watermark(ref('int_dimension_changes')) }}",
    )
}}

with

trades as (

    select * from {{ ref('dex_trades') }}
    where {{ is_dirty('block_date') }}

),

net_volumes as (

    select * from {{ ref('int_dex_net_volumes') }}
    where {{ is_dirty('block_date') }}

),

gross as (

    select
        chain_id,
        protocol,
        version,
        block_date,
        sum(case when is_exchange then 1 else 0 end) as trade_count,
        sum(case when is_exchange then 0 else 1 end) as other_swap_count,
        count(distinct pool_id) as pool_count,
        count(distinct tx_from) as trader_count,
        count(*) - count(tx_from) as unknown_trader_count,
        sum(amount_usd) as volume_gross_usd,
        sum(fee_usd) as fees_usd,
        sum(case when is_exchange and amount_usd is not null then 1 else 0 end)
            as priced_trade_count
    from trades
    group by chain_id, protocol, version, block_date

),

net as (

    select
        chain_id,
        protocol,
        version,
        block_date,
        sum(net_usd) as volume_net_usd
    from net_volumes
    group by chain_id, protocol, version, block_date

),

final as (

    select
        gross.chain_id,
        gross.protocol,
        gross.version,
        gross.block_date,
        cast(gross.trade_count as int64) as trade_count,
        cast(gross.other_swap_count as int64) as other_swap_count,
        gross.pool_count,
        case when gross.unknown_trader_count = 0 then gross.trader_count end as trader_count,
        gross.volume_gross_usd,
        net.volume_net_usd,
        gross.fees_usd,
        cast(gross.priced_trade_count as int64) as priced_trade_count,
        {{ safe_ratio('gross.priced_trade_count', 'gross.trade_count') }} as priced_share
    from gross
    left outer join net
        on
            gross.chain_id = net.chain_id
            and gross.protocol = net.protocol
            and gross.version = net.version
            and gross.block_date = net.block_date

)

select * from final

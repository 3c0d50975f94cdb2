-- Daily sums are the trades' sums to the last digit, and net volume shared out among protocols is the
-- transactions' own.
with

trades as (

    select * from {{ ref('dex_trades') }}
    where {{ is_tested_day('block_date') }}

),

volumes as (

    select * from {{ ref('dex_volume_daily') }}
    where {{ is_tested_day('block_date') }}

),

net_volumes as (

    select * from {{ ref('int_dex_net_volumes') }}
    where {{ is_tested_day('block_date') }}

),

traded as (

    select
        chain_id,
        sum(amount_usd) as gross_usd,
        sum(fee_usd) as fees_usd,
        sum(case when is_exchange then 1 else 0 end) as trade_count
    from trades
    group by chain_id

),

transactions as (

    select distinct
        chain_id,
        tx_hash,
        tx_net_usd
    from net_volumes

),

netted as (

    select
        chain_id,
        sum(tx_net_usd) as net_usd
    from transactions
    group by chain_id

),

published as (

    select
        chain_id,
        sum(volume_gross_usd) as gross_usd,
        sum(volume_net_usd) as net_usd,
        sum(fees_usd) as fees_usd,
        sum(trade_count) as trade_count
    from volumes
    group by chain_id

),

final as (

    select published.*
    from published
    full outer join traded
        on published.chain_id = traded.chain_id
    left outer join netted
        on published.chain_id = netted.chain_id
    where
        coalesce(published.gross_usd, -1) != coalesce(traded.gross_usd, -1)
        or coalesce(published.fees_usd, -1) != coalesce(traded.fees_usd, -1)
        or coalesce(published.trade_count, -1) != coalesce(traded.trade_count, -1)
        or coalesce(published.net_usd, -1) != coalesce(netted.net_usd, -1)

)

select * from final

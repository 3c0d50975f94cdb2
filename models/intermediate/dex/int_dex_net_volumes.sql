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

-- Economic volume of a transaction, counted once however many pools it went through, and shared out among the
-- protocols it used in proportion to their gross volume so that the shares add up to it exactly.
with

swaps as (

    select * from {{ ref('int_dex_swap_values') }}
    where
        is_known
        and {{ is_dirty('block_date', 'block_timestamp') }}

),

flows as (

    select * from {{ ref('int_dex_transaction_flows') }}
    where {{ is_dirty('block_date', 'block_timestamp') }}

),

sides as (

    select
        chain_id,
        block_timestamp,
        tx_hash,
        sum(case when net_raw > 0 then net_abs_usd else 0 end) as gained_usd,
        sum(case when net_raw < 0 then net_abs_usd else 0 end) as given_usd,
        sum(case when net_abs_usd is null and coalesce(net_raw, 1) > 0 then 1 else 0 end)
            as unpriced_gained_count,
        sum(case when net_abs_usd is null and coalesce(net_raw, -1) < 0 then 1 else 0 end)
            as unpriced_given_count
    from flows
    group by chain_id, block_timestamp, tx_hash

),

by_protocol as (

    select
        chain_id,
        block_timestamp,
        block_date,
        tx_hash,
        protocol,
        version,
        sum(amount_usd) as gross_usd
    from swaps
    group by chain_id, block_timestamp, block_date, tx_hash, protocol, version
    having sum(amount_usd) is not null

),

cumulated as (

    select
        *,
        sum(gross_usd) over (
            partition by chain_id, block_timestamp, tx_hash
            order by protocol, version
            rows between unbounded preceding and current row
        ) as reached_usd,
        sum(gross_usd) over (partition by chain_id, block_timestamp, tx_hash) as tx_gross_usd
    from by_protocol

),

-- A side that is not fully priced says nothing; the other one still does. Never more than gross.
netted as (

    select
        cumulated.*,
        case
            when sides.unpriced_gained_count = 0 and sides.unpriced_given_count = 0
                then least(sides.gained_usd, sides.given_usd, cumulated.tx_gross_usd)
            when sides.unpriced_gained_count = 0
                then least(sides.gained_usd, cumulated.tx_gross_usd)
            when sides.unpriced_given_count = 0
                then least(sides.given_usd, cumulated.tx_gross_usd)
        end as tx_net_usd
    from cumulated
    inner join sides
        on
            cumulated.chain_id = sides.chain_id
            and cumulated.block_timestamp = sides.block_timestamp
            and cumulated.tx_hash = sides.tx_hash

),

reached as (

    select
        *,
        case
            when reached_usd = tx_gross_usd then tx_net_usd
            else
                {{ float_to_decimal(
                    'cast(tx_net_usd as ' ~ type_float64() ~ ') * ('
                    ~ safe_ratio('reached_usd', 'tx_gross_usd') ~ ')'
                ) | indent(16) }}
        end as reached_net_usd
    from netted

),

final as (

    select
        chain_id,
        block_timestamp,
        block_date,
        tx_hash,
        protocol,
        version,
        gross_usd,
        tx_gross_usd,
        tx_net_usd,
        reached_net_usd - coalesce(
            lag(reached_net_usd) over (
                partition by chain_id, block_timestamp, tx_hash
                order by protocol, version
            ),
            0
        ) as net_usd
    from reached

)

select * from final

{{
    config(
        materialized = 'incremental',
        incremental_strategy = replace_strategy(),
        partition_by = day_partition('block_date'),
        cluster_by = ['chain_id', 'market_address'],
        meta = aave_onward('block_date'),
        pre_hook = "{{ find_dirty_days() }}",
        post_hook = "{{ record_watermark(ref('int_dimension_changes')) }}",
    )
}}
-- Scaled balances of every position at every point; a position that is empty appears at the head alone.
with

points as (

    select * from {{ ref('int_lending_aave_v3_points') }}
    where {{ is_dirty_onward('block_date') }}

),

final as (

    select
        points.chain_id,
        points.market_address,
        points.as_of_block,
        points.as_of_timestamp,
        points.block_date,
        balances.token_address,
        balances.account_address,
        coalesce(
            sum(case when balances.side = 'supply' then balances.scaled_balance_raw end),
            {{ exact_int(0) }}
        ) as scaled_supply_raw,
        coalesce(
            sum(case when balances.side = 'debt' then balances.scaled_balance_raw end),
            {{ exact_int(0) }}
        ) as scaled_debt_raw
    from points
    inner join {{ ref('int_lending_aave_v3_scaled_balances') }} as balances
        on
            points.chain_id = balances.chain_id
            and points.market_address = balances.market_address
            and {{ holds_at('balances', 'points') | indent(12) }}
            and (points.is_head or balances.scaled_balance_raw != 0)
    where {{ is_dirty_onward('balances.closed_date') }}
    group by
        points.chain_id,
        points.market_address,
        points.as_of_block,
        points.as_of_timestamp,
        points.block_date,
        balances.token_address,
        balances.account_address

)

select * from final

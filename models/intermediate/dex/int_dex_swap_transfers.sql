{{ config(materialized = 'audit') }}

-- What each swap of a proven pool says that its balance of a token changed by, and what the token's transfers say. A
-- pair reckons from its balance at its last Sync, whenever tokens reached it; a V3 pool is locked from call to event,
-- so that a swap's transfers lie between the pool's last event in the transaction and the swap.
with

pools as (

    select * from {{ ref('dex_pools') }}
    where protocol != 'unknown'

),

transfers as (

    select * from {{ ref('int_dex_pool_token_transfers') }}

),

v2_swaps as (

    select * from {{ ref('int_dex_v2_swaps') }}

),

v3_swaps as (

    select * from {{ ref('int_dex_v3_swaps') }}

),

-- `closing_log_index` is the log that closes the period whose transfers belong to the swap.
swaps as (

    select
        chain_id, pool_address, block_number, log_index, amount0_raw, amount1_raw,
        log_index - 1 as closing_log_index
    from v2_swaps
    union all
    select
        chain_id, pool_address, block_number, log_index, amount0_raw, amount1_raw,
        log_index as closing_log_index
    from v3_swaps

),

closings as (

    select
        chain_id, pool_address, block_number, log_index,
        cast(null as {{ dbt.type_string() }}) as tx_hash
    from {{ ref('stg_uniswap_v2__pair_sync') }}
    union all
    select chain_id, pool_address, block_number, log_index, tx_hash
    from {{ ref('int_dex_v3_token_flows') }}

),

timeline as (

    select
        chain_id, pool_address, token_address, block_number, log_index, amount_raw,
        case when family = 'uniswap_v3' then tx_hash end as tx_hash,
        0 as is_closing
    from transfers
    {% for position in [0, 1] %}
    union all
    select
        closings.chain_id, closings.pool_address, pools.token{{ position }} as token_address,
        closings.block_number, closings.log_index, {{ exact_int('0') }} as amount_raw,
        closings.tx_hash,
        1 as is_closing
    from closings
    inner join pools
        on
            closings.chain_id = pools.chain_id
            and closings.pool_address = pools.pool_address
    {% endfor %}

),

numbered as (

    select
        *,
        coalesce(sum(is_closing) over (
            partition by chain_id, pool_address, token_address, tx_hash
            order by block_number, log_index
            rows between unbounded preceding and 1 preceding
        ), 0) as period
    from timeline

),

periods as (

    select
        chain_id,
        pool_address,
        token_address,
        max(case when is_closing = 1 then block_number end) as block_number,
        max(case when is_closing = 1 then log_index end) as closing_log_index,
        {{ sum_of_all('amount_raw') }} as transferred_raw
    from numbered
    group by chain_id, pool_address, token_address, tx_hash, period

),

sides as (

    {% for position in [0, 1] -%}
    select
        swaps.chain_id,
        swaps.pool_address,
        pools.token{{ position }} as token_address,
        swaps.block_number,
        swaps.log_index,
        swaps.amount{{ position }}_raw as amount_raw,
        periods.transferred_raw
    from swaps
    inner join pools
        on
            swaps.chain_id = pools.chain_id
            and swaps.pool_address = pools.pool_address
    left outer join periods
        on
            swaps.chain_id = periods.chain_id
            and swaps.pool_address = periods.pool_address
            and pools.token{{ position }} = periods.token_address
            and swaps.block_number = periods.block_number
            and swaps.closing_log_index = periods.closing_log_index
    {{ 'union all' if not loop.last }}
    {% endfor -%}

),

-- A registered token keeps to ERC-20. Of others nothing is known: balances may change without a transfer (rebasing),
-- or by less than it states (fees).
final as (

    select
        sides.*,
        case
            when sides.amount_raw = sides.transferred_raw then 'exact'
            when tokens.token_address is null then 'unregistered_token'
            else 'mismatch'
        end as match_kind
    from sides
    left outer join {{ ref('registry_tokens') }} as tokens
        on
            sides.chain_id = tokens.chain_id
            and sides.token_address = tokens.token_address
            and tokens.category != 'rebasing'

)

select * from final

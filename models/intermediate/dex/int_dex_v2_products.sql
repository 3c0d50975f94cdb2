{{ config(materialized = 'audit') }}

-- What a V2 pair's arithmetic demands of its logs, as comparisons of products too large for an integer type: `a * b`
-- against `c * d`. `rule` says how the comparisons of one log are read: each must be `at_least`, `at_most` or `more`;
-- of `any_more` one is enough.
with

pools as (

    select * from {{ ref('dex_pools') }}
    where protocol != 'unknown' and family = 'uniswap_v2' and mod(fee_pips, 100) = 0

),

changes as (

    select * from {{ ref('int_dex_v2_reserve_changes') }}
    where change_kind in ('explained', 'unsynced_donation')

),

swaps as (

    select * from {{ ref('int_dex_v2_swaps') }}

),

-- Balances less the fee on what came in, in ten-thousandths, have no smaller product than the reserves before.
kept as (

    select
        changes.chain_id,
        changes.pool_address,
        changes.block_number,
        swaps.log_index,
        'at_least' as rule,
        changes.reserve0_raw * 10000
        - swaps.amount0_in_raw * {{ int_div('pools.fee_pips', 100) }} as a,
        changes.reserve1_raw * 10000
        - swaps.amount1_in_raw * {{ int_div('pools.fee_pips', 100) }} as b,
        (changes.expected0_raw - swaps.amount0_raw) * 10000 as c,
        (changes.expected1_raw - swaps.amount1_raw) * 10000 as d
    from changes
    inner join pools
        on
            changes.chain_id = pools.chain_id
            and changes.pool_address = pools.pool_address
    inner join swaps
        on
            changes.chain_id = swaps.chain_id
            and changes.pool_address = swaps.pool_address
            and changes.block_number = swaps.block_number
            and changes.log_index + 1 = swaps.log_index
    where changes.action = 'swap'

),

shares as (

    select * from {{ ref('int_dex_v2_share_changes') }}

),

-- The first shares are the root of both amounts' product, less the 1000 that go to nobody.
first_shares as (

    select
        chain_id, pool_address, block_number, log_index,
        shares_raw + {{ exact_int('1000') }} as minted_raw,
        amount0_raw,
        amount1_raw
    from shares
    where action = 'first_mint'

),

products as (

    select * from kept
    union all
    select
        chain_id, pool_address, block_number, log_index,
        'at_most' as rule,
        minted_raw as a, minted_raw as b, amount0_raw as c, amount1_raw as d
    from first_shares
    union all
    select
        chain_id, pool_address, block_number, log_index,
        'more' as rule,
        minted_raw + 1 as a, minted_raw + 1 as b, amount0_raw as c, amount1_raw as d
    from first_shares
    {%- for position in [0, 1] %}
    -- Later shares are the smaller of both amounts' part of the supply, rounded down.
    union all
    select
        chain_id, pool_address, block_number, log_index,
        'at_most' as rule,
        shares_raw as a, balance{{ position }}_raw as b,
        amount{{ position }}_raw as c, supply_before_raw as d
    from shares
    where action = 'mint'
    union all
    select
        chain_id, pool_address, block_number, log_index,
        'any_more' as rule,
        shares_raw + 1 as a, balance{{ position }}_raw as b,
        amount{{ position }}_raw as c, supply_before_raw as d
    from shares
    where action = 'mint'
    -- What shares are burned for is their part of the balance, rounded down.
    union all
    select
        chain_id, pool_address, block_number, log_index,
        'at_most' as rule,
        amount{{ position }}_raw as a, supply_before_raw as b,
        shares_raw as c, balance{{ position }}_raw as d
    from shares
    where action = 'burn'
    union all
    select
        chain_id, pool_address, block_number, log_index,
        'more' as rule,
        amount{{ position }}_raw + 1 as a, supply_before_raw as b,
        shares_raw as c, balance{{ position }}_raw as d
    from shares
    where action = 'burn'
    {%- endfor %}

),

heads as (

    select
        *,
        {{ product_difference_head('a', 'b', 'c', 'd') }} as head
    from products

),

final as (

    select
        chain_id,
        pool_address,
        block_number,
        log_index,
        rule,
        a,
        b,
        c,
        d,
        {{ product_difference_sign('head', 'a', 'b', 'c', 'd') }} as comparison
    from heads

)

select * from final

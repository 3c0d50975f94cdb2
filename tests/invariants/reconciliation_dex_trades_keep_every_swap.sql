-- The mart has exactly the live swaps: none lost in a join, none doubled.
with

swaps as (

    select
        chain_id,
        block_number,
        log_index
    from {{ ref('stg_uniswap_v2__pair_swap') }}
    where {{ is_tested_day('block_timestamp', 'block_timestamp') }}
    union all
    select
        chain_id,
        block_number,
        log_index
    from {{ ref('stg_uniswap_v3__pool_swap') }}
    where {{ is_tested_day('block_timestamp', 'block_timestamp') }}
    union all
    select
        chain_id,
        block_number,
        log_index
    from {{ ref('stg_uniswap_v3__pancakeswap_pool_swap') }}
    where {{ is_tested_day('block_timestamp', 'block_timestamp') }}

),

trades as (

    select * from {{ ref('dex_trades') }}
    where {{ is_tested_day('block_date', 'block_timestamp') }}

),

final as (

    select
        coalesce(swaps.chain_id, trades.chain_id) as chain_id,
        coalesce(swaps.block_number, trades.block_number) as block_number,
        coalesce(swaps.log_index, trades.log_index) as log_index
    from swaps
    full outer join trades
        on
            swaps.chain_id = trades.chain_id
            and swaps.block_number = trades.block_number
            and swaps.log_index = trades.log_index
    where swaps.chain_id is null or trades.chain_id is null

)

select * from final

{{ config(materialized = 'audit') }}

-- What entered V3 pools of any emitter and what left them, as their events state it: positive amounts entered. A Burn
-- moves nothing (Collect does), and of a flash loan what stays is what was paid for it.
{%- set flows = {
    'mint': ('stg_uniswap_v3__pool_mint', 'amount0_raw', 'amount1_raw'),
    'swap': ('int_dex_v3_swaps', 'amount0_raw', 'amount1_raw'),
    'flash': ('stg_uniswap_v3__pool_flash', 'paid0_raw', 'paid1_raw'),
    'collect': ('stg_uniswap_v3__pool_collect', '-amount0_raw', '-amount1_raw'),
    'collect_protocol': ('stg_uniswap_v3__pool_collect_protocol', '-amount0_raw', '-amount1_raw'),
} %}

with

flows as (

    {% for event_name, (model, amount0, amount1) in flows.items() -%}
    select
        chain_id,
        pool_address,
        block_number,
        tx_hash,
        log_index,
        '{{ event_name }}' as event_name,
        {{ amount0 }} as amount0_raw,
        {{ amount1 }} as amount1_raw
    from {{ ref(model) }}
    {{ 'union all' if not loop.last }}
    {% endfor -%}

)

select * from flows

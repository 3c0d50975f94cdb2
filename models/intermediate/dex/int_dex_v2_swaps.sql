{{
    config(
        materialized = 'incremental',
        incremental_strategy = append_strategy(),
        partition_by = day_partition('block_date'),
        pre_hook = "{{ delete_dirty_days(['uniswap_v2']) }}",
        post_hook = "{{ record_watermark() }}",
    )
}}
{% call set_sql_header(config) %}{{ declare_dirty_days(['uniswap_v2']) }}{% endcall %}

with

swaps as (

    select * from {{ ref('stg_uniswap_v2__pair_swap') }}
    where {{ is_dirty_day('block_timestamp') }}

),

-- Both inputs may be positive (flash swaps): what counts is the pool's net of each token.
final as (

    select
        chain_id,
        block_number,
        block_timestamp,
        block_date,
        tx_hash,
        tx_index,
        log_index,
        pool_address,
        sender,
        recipient,
        amount0_in_raw - amount0_out_raw as amount0_raw,
        amount1_in_raw - amount1_out_raw as amount1_raw
    from swaps

)

select * from final

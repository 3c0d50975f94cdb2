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
-- Every position at the head of its market, the empty ones included.
with

heads as (

    select * from {{ ref('int_lending_aave_v3_points') }}
    where is_head and {{ is_dirty_onward('block_date') }}

),

position_states as (

    select * from {{ ref('int_lending_aave_v3_position_states') }}
    where {{ is_dirty_onward('block_date') }}

),

final as (

    select position_states.*
    from position_states
    inner join heads
        on {{ same_point('position_states', 'heads') | indent(12) }}

)

select * from final

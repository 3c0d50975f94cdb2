{{
    config(
        materialized = 'incremental',
        incremental_strategy = replace_strategy(),
        partition_by = day_partition('block_date'),
        meta = {'dirty_families': ['blocks'], 'dirty_grain': 'day'},
        pre_hook = "{{ find_dirty_days() }}",
        post_hook = "{{ record_watermark() }}",
    )
}}
-- Blocks at which the loader read the state that the lending models must equal.
with

reads as (

    select * from {{ ref('stg_poolhouse__contract_reads') }}
    where
        function_name in ({{ "'" ~ aave_reconciled_functions() | join("', '") ~ "'" }})
        and {{ is_dirty('block_timestamp') }}

),

final as (

    select distinct
        chain_id,
        block_number,
        block_timestamp,
        {{ to_date('block_timestamp') }} as block_date
    from reads

)

select * from final

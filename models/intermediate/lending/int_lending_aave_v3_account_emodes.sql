{{
    config(
        materialized = 'incremental',
        incremental_strategy = replace_strategy(),
        partition_by = day_partition('closed_date'),
        cluster_by = ['chain_id', 'market_address', 'account_address'],
        meta = aave_onward(),
        pre_hook = "{{ find_dirty_days() }}",
        post_hook = "{{ record_watermark(ref('int_dimension_changes')) }}",
    )
}}
{%- set keys = ['chain_id', 'market_address', 'account_address'] -%}
{%- set columns = keys + ['emode_category_id', 'block_number', 'block_date', 'log_index'] %}
-- eMode category of an account from each change on.
with

stated as (

    select
        chain_id,
        pool_address as market_address,
        account_address,
        emode_category_id,
        block_number,
        block_date,
        log_index
    from {{ ref('stg_aave_v3__pool_user_emode_set') }}
    where {{ is_dirty_onward('block_date') }}
    {{ union_carried(columns) | indent(4) }}

),

final as (

    select
        stated.*,
        {{ until_block('stated', keys) | indent(8) }} as until_block,
        {{ closed_date('stated', keys) | indent(8) }} as closed_date
    from stated

)

select * from final

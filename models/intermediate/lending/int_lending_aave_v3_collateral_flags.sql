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
{%- set keys = ['chain_id', 'market_address', 'token_address', 'account_address'] -%}
{%- set columns = keys + ['block_number', 'block_date', 'log_index', 'is_collateral'] %}
-- When a reserve counted as collateral of an account: the flag events are authoritative.
with

stated as (

    {% for event, is_collateral in [('enabled', 'true'), ('disabled', 'false')] -%}
    select
        chain_id, pool_address as market_address, token_address, account_address,
        block_number, block_date, log_index, {{ is_collateral }} as is_collateral
    from {{ ref('stg_aave_v3__pool_reserve_used_as_collateral_' ~ event) }}
    where {{ is_dirty_onward('block_date') }}
    {{ 'union all' if not loop.last }}
    {% endfor -%}
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

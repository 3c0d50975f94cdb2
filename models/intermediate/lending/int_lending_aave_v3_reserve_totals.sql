{{
    config(
        materialized = 'incremental',
        incremental_strategy = replace_strategy(),
        partition_by = day_partition('closed_date'),
        cluster_by = ['chain_id', 'market_address', 'token_address'],
        meta = aave_onward(),
        pre_hook = "{{ find_dirty_days() }}",
        post_hook = "{{ record_watermark(ref('int_dimension_changes')) }}",
    )
}}
{%- set keys = ['chain_id', 'position_token_address'] -%}
{%- set columns = [
    'chain_id', 'market_address', 'token_address', 'side', 'position_token_address', 'block_number', 'block_date',
] %}
-- Scaled supply and debt of every reserve after each block that changed them. Balances are summed per block
-- before they are accumulated.
with

balances as (

    select * from {{ ref('int_lending_aave_v3_scaled_balances') }}
    where {{ is_dirty_onward('closed_date') }} and {{ is_dirty_onward('block_date') }}

),

-- What a total is the running sum of: the changes and, in an incremental build, the total to go on from.
steps as (

    select
        {{ columns | join(', ') }},
        sum(scaled_delta_raw) as step_raw
    from balances
    group by {{ columns | join(', ') }}
    {{ union_carried(columns + ['scaled_total_raw as step_raw']) | indent(4) }}

),

final as (

    select
        {% for column in columns -%}
        steps.{{ column }},
        {% endfor -%}
        sum(steps.step_raw) over (
            partition by steps.chain_id, steps.position_token_address
            order by steps.block_number
            rows between unbounded preceding and current row
        ) as scaled_total_raw,
        {{ until_block('steps', keys, ['block_number']) | indent(8) }} as until_block,
        {{ closed_date('steps', keys, ['block_number']) | indent(8) }} as closed_date
    from steps

)

select * from final

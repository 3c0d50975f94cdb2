{{
    config(
        materialized = 'incremental',
        incremental_strategy = replace_strategy(),
        partition_by = day_partition('closed_date'),
        cluster_by = ['function_name', 'chain_id', 'contract_address'],
        meta = {'dirty_families': ['blocks'], 'rebuilds': 'onward'},
        pre_hook = "{{ find_dirty_days() }}",
        post_hook = "{{ record_watermark() }}",
    )
}}
{%- set keys = ['chain_id', 'contract_address', 'function_name', 'arguments', 'value', 'status'] -%}
{%- set columns = keys + ['block_number', 'block_date'] %}
-- What every load asks registered contracts again. What tokens say of themselves is asked once of each, and there are
-- millions: it is held by the day it was read (int_market_token_answers), where nothing is rewritten hour by hour.
with

answered as (

    select
        chain_id,
        contract_address,
        function_name,
        arguments,
        value,
        status,
        block_number,
        {{ to_date('block_timestamp') }} as block_date
    from {{ ref('stg_poolhouse__contract_reads') }}
    where
        function_name in ('aggregator', 'phaseAggregators', 'POOL_REVISION')
        and {{ is_dirty_onward(to_date('block_timestamp')) }}
    {{ union_carried(columns) | indent(4) }}

),

final as (

    select
        answered.*,
        {{ closed_date('answered', keys, ['block_number']) | indent(8) }} as closed_date
    from answered

)

select * from final

{{
    config(
        materialized = 'incremental',
        incremental_strategy = replace_strategy(),
        partition_by = day_partition('first_date'),
        meta = {
            'dirty_families': ['uniswap_v2', 'uniswap_v3'],
            'rebuilds': 'onward',
            'dirty_date': 'first_date',
        },
        pre_hook = "{{ find_dirty_days() }}",
        post_hook = "{{ record_watermark() }}",
    )
}}

-- When each pool first swapped, without reading all swaps again: what is older than the first dirty day stands.
with

v2_swaps as (

    select * from {{ ref('int_dex_v2_swaps') }}
    where {{ is_dirty_onward('block_date') }}

),

v3_swaps as (

    select * from {{ ref('int_dex_v3_swaps') }}
    where {{ is_dirty_onward('block_date') }}

),

unioned as (

    {% for version in ['v2', 'v3'] -%}
    select
        chain_id,
        pool_address,
        'uniswap_{{ version }}' as family,
        block_timestamp
    from {{ version }}_swaps
    {{ 'union all' if not loop.last }}
    {% endfor -%}

),

first_swaps as (

    select
        chain_id,
        pool_address,
        family,
        min(block_timestamp) as first_timestamp
    from unioned
    group by chain_id, pool_address, family

),

{% if is_incremental() -%}
earlier as (

    select
        chain_id,
        pool_address,
        family
    from {{ this }}
    where first_date < {{ dirty_variable('first_dirty_day') }}

),

found as (

    select first_swaps.*
    from first_swaps
    left outer join earlier
        on
            first_swaps.chain_id = earlier.chain_id
            and first_swaps.pool_address = earlier.pool_address
            and first_swaps.family = earlier.family
    where earlier.chain_id is null

),
{%- else -%}
found as (

    select * from first_swaps

),
{%- endif %}

final as (

    select
        chain_id,
        pool_address,
        family,
        first_timestamp,
        {{ to_date('first_timestamp') }} as first_date
    from found

)

select * from final

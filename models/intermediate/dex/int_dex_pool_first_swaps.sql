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

{{ found_first('first_swaps', ['chain_id', 'pool_address', 'family']) }},

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

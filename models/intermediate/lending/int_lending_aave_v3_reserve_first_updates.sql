{{
    config(
        materialized = 'incremental',
        incremental_strategy = replace_strategy(),
        partition_by = day_partition('first_date'),
        meta = {'dirty_families': ['aave_v3'], 'rebuilds': 'onward', 'dirty_date': 'first_date'},
        pre_hook = "{{ find_dirty_days() }}",
        post_hook = "{{ record_watermark() }}",
    )
}}
-- When each reserve was first updated, without reading all updates again: what is older than the first dirty day stands.
with

updates as (

    select
        chain_id,
        pool_address as market_address,
        token_address,
        min(block_timestamp) as first_timestamp
    from {{ ref('stg_aave_v3__pool_reserve_data_updated') }}
    where {{ is_dirty_onward('block_date') }}
    group by chain_id, pool_address, token_address

),

{{ found_first('updates', ['chain_id', 'market_address', 'token_address']) }},

final as (

    select
        found.*,
        {{ to_date('found.first_timestamp') }} as first_date
    from found

)

select * from final

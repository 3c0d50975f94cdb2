{{
    config(
        materialized = 'incremental',
        incremental_strategy = replace_strategy(),
        partition_by = day_partition('first_date'),
        cluster_by = ['chain_id', 'market_address'],
        meta = aave_onward('first_date'),
        pre_hook = "{{ find_dirty_days() }}",
        post_hook = "{{ record_watermark(ref('int_dimension_changes')) }}",
    )
}}
-- Every account and reserve that an action named, since when: what is older than the first dirty day stands.
with

actions as (

    select
        chain_id,
        market_address,
        account_address,
        token_address,
        min(block_date) as first_date
    from {{ ref('lending_actions') }}
    where
        account_address is not null
        and token_address is not null
        and {{ is_dirty_onward('block_date') }}
    group by chain_id, market_address, account_address, token_address

),

{{ found_first('actions', ['chain_id', 'market_address', 'account_address', 'token_address']) }}

select * from found

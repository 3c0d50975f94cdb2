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

{% if is_incremental() -%}
earlier as (

    select * from {{ this }}
    where first_date < {{ dirty_variable('first_dirty_day') }}

),

final as (

    select actions.*
    from actions
    left outer join earlier
        on
            actions.chain_id = earlier.chain_id
            and actions.market_address = earlier.market_address
            and actions.account_address = earlier.account_address
            and actions.token_address = earlier.token_address
    where earlier.chain_id is null

)
{%- else -%}
final as (

    select * from actions

)
{%- endif %}

select * from final

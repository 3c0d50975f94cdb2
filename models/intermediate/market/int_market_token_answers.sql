{{
    config(
        materialized = 'incremental',
        incremental_strategy = replace_strategy(),
        partition_by = day_partition('block_date'),
        cluster_by = ['chain_id', 'contract_address'],
        meta = {'dirty_families': ['blocks'], 'dirty_grain': 'day'},
        pre_hook = "{{ find_dirty_days() }}",
        post_hook = "{{ record_watermark() }}",
    )
}}
-- Of each function the newest answer of the day; whichever day is newer has the higher blocks.
with

reads as (

    select
        *,
        {{ to_date('block_timestamp') }} as block_date
    from {{ ref('stg_poolhouse__contract_reads') }}
    where
        function_name in ('decimals', 'symbol', 'name')
        and {{ is_dirty('block_timestamp') }}

),

newest as (

    select
        chain_id,
        contract_address,
        function_name,
        value,
        status,
        block_date
    from reads
    qualify row_number() over (
        partition by chain_id, contract_address, function_name, block_date
        order by
            case when status = 'ok' then 0 else 1 end asc,
            block_number desc,
            arguments asc
    ) = 1

),

final as (

    select
        chain_id,
        contract_address,
        block_date,
        max(
            case
                when function_name = 'decimals' and status = 'ok'
                    then {{ try_cast('value', dbt.type_bigint()) }}
            end
        ) as decimals,
        max(case when function_name = 'decimals' then status end) as decimals_status,
        max(case when function_name = 'symbol' and status = 'ok' then value end) as symbol,
        max(case when function_name = 'name' and status = 'ok' then value end) as name -- noqa: RF04
    from newest
    group by chain_id, contract_address, block_date

)

select * from final

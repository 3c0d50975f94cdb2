-- A load asks for the same blocks of hundreds of filters: one row for all of them. Ranges of a load that ceased to be complete
-- stay, and do not count: who reads them asks `_dlt_loads`.
{{
    config(
        materialized = 'incremental',
        meta = {'reads_new_loads': true},
        pre_hook = "{{ find_new_loads() }}",
        post_hook = "{{ record_new_loads(ref('int_ledger_loads')) }}",
    )
}}

with

load_ranges as (

    select
        chain_id,
        _dlt_load_id as load_id,
        family,
        role,
        event,
        contract_address,
        table_name,
        topic0,
        from_block,
        to_block,
        finality,
        cast(decoder_version as int64) as decoder_version,
        cast(min_timestamp as {{ dbt.type_timestamp() }}) as min_timestamp,
        cast(max_timestamp as {{ dbt.type_timestamp() }}) as max_timestamp,
        cast(loaded_at as {{ dbt.type_timestamp() }}) as loaded_at
    from {{ source('poolhouse', 'load_ranges') }}
    {% if is_incremental() -%}
    where
        loaded_at >= {{ loaded_since() }}
        and {{ is_new_load('_dlt_load_id') }}
    {%- endif %}

),

{% if is_incremental() %}

-- A build that was killed before it moved the watermark may have left some here.
known as (

    select distinct load_id from {{ this }}

),

new_ranges as (

    select load_ranges.*
    from load_ranges
    left outer join known
        on load_ranges.load_id = known.load_id
    where known.load_id is null

),

{% else %}

new_ranges as (

    select load_ranges.*
    from load_ranges
    inner join {{ ref('int_ledger_loads') }} as loads
        on load_ranges.load_id = loads.load_id

),

{% endif %}

final as (

    select
        chain_id,
        load_id,
        {{ dbt.hash(
            "string_agg(concat(family, '/', role, '/', event, '/', contract_address, '/', table_name, '/', topic0), ','"
            ~ " order by family, role, event, contract_address)"
        ) }} as asked_set,
        from_block,
        to_block,
        finality,
        decoder_version,
        min_timestamp,
        max_timestamp,
        min(loaded_at) as loaded_at
    from new_ranges
    group by
        chain_id,
        load_id,
        from_block,
        to_block,
        finality,
        decoder_version,
        min_timestamp,
        max_timestamp

)

select * from final

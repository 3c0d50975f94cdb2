-- What the filters of loads ask for; load after load these are the same few sets. A set is read off one load that has it.
{{
    config(
        materialized = 'incremental',
        meta = {'reads_unknown_sets': true},
        pre_hook = "{{ find_unknown_sets() }}",
    )
}}

with

{% if is_incremental() %}

known as (

    select distinct asked_set from {{ this }}

),

{% endif %}

examples as (

    select ranges.*
    from {{ ref('int_ledger_loaded_ranges') }} as ranges
    {% if is_incremental() -%}
    left outer join known
        on ranges.asked_set = known.asked_set
    where known.asked_set is null
    {%- endif %}
    qualify row_number() over (
        partition by ranges.asked_set
        order by
            ranges.loaded_at,
            ranges.load_id,
            ranges.chain_id,
            ranges.from_block,
            ranges.to_block,
            ranges.finality
    ) = 1

),

load_ranges as (

    select * from {{ source('poolhouse', 'load_ranges') }}
    {% if is_incremental() -%}
    where loaded_at >= {{ sets_since() }}
    {%- endif %}

),

final as (

    select distinct
        examples.asked_set,
        load_ranges.family,
        load_ranges.role,
        load_ranges.event,
        load_ranges.contract_address,
        load_ranges.table_name,
        load_ranges.topic0
    from examples
    inner join load_ranges
        on
            examples.load_id = load_ranges._dlt_load_id
            and examples.chain_id = load_ranges.chain_id
            and examples.from_block = load_ranges.from_block
            and examples.to_block = load_ranges.to_block
            and examples.finality = load_ranges.finality
            and examples.decoder_version = cast(load_ranges.decoder_version as int64)
            and examples.min_timestamp
            is not distinct from cast(load_ranges.min_timestamp as {{ dbt.type_timestamp() }})
            and examples.max_timestamp
            is not distinct from cast(load_ranges.max_timestamp as {{ dbt.type_timestamp() }})

)

select * from final

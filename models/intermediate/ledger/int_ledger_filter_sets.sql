-- What the filters of live segments ask for. A set is called by what is in it: once here, it stays.
{{
    config(
        materialized = 'incremental',
        full_refresh = false,
        cluster_by = ['family', 'role', 'event'],
    )
}}

with

{% if is_incremental() %}

known as (

    select distinct filter_set from {{ this }}

),

{% endif %}

live_segments as (

    select segments.*
    from {{ ref('int_ledger_live_segments') }} as segments
    {% if is_incremental() -%}
    left outer join known
        on segments.filter_set = known.filter_set
    where known.filter_set is null
    {%- endif %}

),

class_segments as (

    select * from {{ ref('int_ledger_class_segments') }}

),

filter_classes as (

    select * from {{ ref('int_ledger_filter_classes') }}

),

examples as (

    select * from live_segments
    qualify row_number() over (
        partition by filter_set
        order by chain_id, load_id, from_block, to_block
    ) = 1

),

final as (

    select
        examples.filter_set,
        filter_classes.family,
        filter_classes.role,
        filter_classes.event,
        filter_classes.contract_address
    from examples
    inner join class_segments
        on
            examples.chain_id = class_segments.chain_id
            and examples.load_id = class_segments.load_id
            and examples.from_block = class_segments.from_block
            and examples.to_block = class_segments.to_block
            and examples.finality = class_segments.finality
            and examples.min_timestamp is not distinct from class_segments.min_timestamp
            and examples.max_timestamp is not distinct from class_segments.max_timestamp
            and examples.to_timestamp is not distinct from class_segments.to_timestamp
    inner join filter_classes
        on
            class_segments.chain_id = filter_classes.chain_id
            and class_segments.filter_class = filter_classes.filter_class

)

select * from final

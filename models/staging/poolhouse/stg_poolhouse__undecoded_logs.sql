with

filters as (

    select distinct
        family,
        role,
        event,
        topic0,
        table_name
    from {{ ref('int_ledger_loaded_filters') }}

),

live as (

    select
        raw_logs.*,
        filters.table_name,
        live_ranges.contract_address as asked_address
    from {{ source('poolhouse', 'undecoded_logs') }} as raw_logs
    inner join {{ ref('int_ledger_live_ranges') }} as live_ranges
        on
            raw_logs._dlt_load_id = live_ranges.load_id
            and raw_logs.chain_id = live_ranges.chain_id
            and raw_logs.block_number between live_ranges.from_block and live_ranges.to_block
            and live_ranges.contract_address in ('*', raw_logs.contract_address)
    inner join filters
        on
            live_ranges.family = filters.family
            and live_ranges.role = filters.role
            and live_ranges.event = filters.event
            and {{ json_array_item('raw_logs.topics', 0) }} = filters.topic0

),

renamed as (

    select
        {{ log_columns('live') | indent(8) }},
        live.contract_address,
        live.table_name,
        live.asked_address,
        live.topics,
        live.data,
        live.reason
    from live

)

select * from renamed

with

load_ranges as (

    select * from {{ source('poolhouse', 'load_ranges') }}

),

loads as (

    select * from {{ source('poolhouse', '_dlt_loads') }}

),

complete as (

    select
        load_ranges._dlt_load_id as load_id,
        load_ranges.chain_id,
        load_ranges.family,
        load_ranges.role,
        load_ranges.event,
        load_ranges.table_name,
        load_ranges.topic0,
        load_ranges.contract_address,
        load_ranges.from_block,
        load_ranges.to_block,
        load_ranges.from_block_hash,
        load_ranges.to_block_hash,
        cast(load_ranges.min_timestamp as {{ dbt.type_timestamp() }}) as min_timestamp,
        cast(load_ranges.max_timestamp as {{ dbt.type_timestamp() }}) as max_timestamp,
        load_ranges.log_count,
        load_ranges.finality,
        cast(load_ranges.decoder_version as int64) as decoder_version,
        load_ranges.source,
        cast(load_ranges.loaded_at as {{ dbt.type_timestamp() }}) as loaded_at
    from load_ranges
    inner join loads
        on load_ranges._dlt_load_id = loads.load_id
    where loads.status = 0

)

select * from complete

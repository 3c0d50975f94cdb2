with

blocks as (

    select * from {{ source('poolhouse', 'blocks') }}

),

loads as (

    select * from {{ source('poolhouse', '_dlt_loads') }}

),

complete as (

    select
        blocks._dlt_load_id as load_id,
        blocks.chain_id,
        blocks.block_number,
        cast(blocks.block_timestamp as {{ dbt.type_timestamp() }}) as block_timestamp,
        blocks.block_hash,
        blocks.parent_hash
    from blocks
    inner join loads
        on blocks._dlt_load_id = loads.load_id
    where loads.status = 0

)

select * from complete

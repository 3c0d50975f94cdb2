-- What was read at a block that a reorganisation replaced does not count: the newest header of its number tells.
with

replaced as (

    select * from {{ ref('int_ledger_replaced_headers') }}

),

complete as (

    select contract_reads.*
    from {{ source('poolhouse', 'contract_reads') }} as contract_reads
    inner join {{ source('poolhouse', '_dlt_loads') }} as loads
        on contract_reads._dlt_load_id = loads.load_id and loads.status = 0

),

newest as (

    select complete.*
    from complete
    left outer join replaced
        on
            complete.chain_id = replaced.chain_id
            and complete.block_number = replaced.block_number
            and complete.block_hash = replaced.block_hash
    where replaced.block_hash is null
    -- A filter on a key of the window reaches the partitions.
    qualify row_number() over (
        partition by
            complete.chain_id,
            complete.block_timestamp,
            complete.block_number,
            complete.contract_address,
            complete.function,
            complete.arguments
        order by complete._dlt_load_id desc
    ) = 1

),

renamed as (

    select
        newest.chain_id,
        newest.block_number,
        cast(newest.block_timestamp as {{ dbt.type_timestamp() }}) as block_timestamp,
        newest.block_hash,
        newest.contract_address,
        newest.function as function_name,
        newest.arguments,
        newest.output,
        newest.value,
        newest.status
    from newest

)

select * from renamed

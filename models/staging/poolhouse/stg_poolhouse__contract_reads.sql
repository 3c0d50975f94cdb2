-- What was read at a block that a reorganisation replaced does not count: the newest header of its number tells.
with

headers as (

    {{ newest_rows('blocks', ['facts.chain_id', 'facts.block_number']) | indent(4) }}

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
    left outer join headers
        on
            complete.chain_id = headers.chain_id
            and complete.block_number = headers.block_number
    where headers.block_hash is null or headers.block_hash = complete.block_hash
    qualify row_number() over (
        partition by
            complete.chain_id,
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

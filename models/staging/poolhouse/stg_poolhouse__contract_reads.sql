with

newest as (

    {{ newest_rows('contract_reads', [
        'facts.chain_id',
        'facts.block_number',
        'facts.contract_address',
        'facts.function',
        'facts.arguments',
    ]) | indent(4) }}

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

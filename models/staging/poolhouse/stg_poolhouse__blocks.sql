with

newest as (

    {{ newest_rows('blocks', ['facts.chain_id', 'facts.block_number']) | indent(4) }}

),

renamed as (

    select
        newest.chain_id,
        newest.block_number,
        cast(newest.block_timestamp as {{ dbt.type_timestamp() }}) as block_timestamp,
        newest.block_hash,
        newest.parent_hash
    from newest

)

select * from renamed

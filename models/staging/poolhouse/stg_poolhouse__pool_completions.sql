with

newest as (

    {{ newest_rows('pool_completions', ['facts.chain_id', 'facts.contract_address']) | indent(4) }}

),

renamed as (

    select
        newest.chain_id,
        newest.block_number,
        cast(newest.block_timestamp as {{ dbt.type_timestamp() }}) as block_timestamp,
        newest.contract_address as pool_address,
        newest.family,
        newest.token0,
        newest.token1,
        newest.fee,
        newest.tick_spacing,
        newest.factory_address,
        newest.proof
    from newest

)

select * from renamed

with

newest as (

    {{ newest_rows(
        'transactions', ['facts.chain_id', 'facts.block_timestamp', 'facts.tx_hash']
    ) | indent(4) }}

),

renamed as (

    select
        newest.chain_id,
        newest.block_number,
        cast(newest.block_timestamp as {{ dbt.type_timestamp() }}) as block_timestamp,
        newest.block_hash,
        newest.tx_hash,
        newest.tx_index,
        newest.from_address,
        newest.to_address,
        {{ to_exact_int('newest.value') }} as value_raw,
        newest.status,
        newest.gas_used,
        {{ to_exact_int('newest.effective_gas_price') }} as effective_gas_price_raw,
        newest.nonce,
        newest.selector
    from newest

)

select * from renamed

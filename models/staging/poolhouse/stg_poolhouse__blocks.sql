with

headers as (

    select * from {{ ref('stg_poolhouse__headers') }}

),

replaced as (

    select * from {{ ref('int_ledger_replaced_headers') }}

),

newest as (

    select
        headers.chain_id,
        headers.block_number,
        headers.block_timestamp,
        headers.block_hash,
        headers.parent_hash
    from headers
    left outer join replaced
        on
            headers.chain_id = replaced.chain_id
            and headers.block_number = replaced.block_number
            and headers.block_hash = replaced.block_hash
    where replaced.block_hash is null
    -- A filter on a key of the window reaches the partitions.
    qualify row_number() over (
        partition by headers.chain_id, headers.block_number, headers.block_timestamp
        order by headers.load_id desc
    ) = 1

)

select * from newest

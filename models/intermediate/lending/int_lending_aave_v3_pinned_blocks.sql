-- Blocks at which the loader read the state that the lending models must equal.
with

reads as (

    select * from {{ ref('stg_poolhouse__contract_reads') }}
    where function_name in ({{ "'" ~ aave_reconciled_functions() | join("', '") ~ "'" }})

),

final as (

    select distinct
        chain_id,
        block_number,
        block_timestamp
    from reads

)

select * from final

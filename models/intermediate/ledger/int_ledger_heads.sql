-- The "as of" of one build: per chain and family the last block up to which all its events are loaded.
with

coverage as (

    select * from {{ ref('int_ledger_family_coverage') }}

),

final as (

    select
        chain_id,
        family,
        from_block,
        to_block as head_block,
        to_timestamp as head_timestamp
    from coverage
    qualify row_number() over (partition by chain_id, family order by to_block desc) = 1

)

select * from final

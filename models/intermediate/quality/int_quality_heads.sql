-- The ledger's heads when the checks were made: what is not checked again keeps the date of its check.
with

heads as (

    select * from {{ ref('int_ledger_heads') }}

)

select * from heads

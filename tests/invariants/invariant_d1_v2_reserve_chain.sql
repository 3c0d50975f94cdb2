-- V2 reserves follow from the actions that changed them.
select *
from {{ ref('data_invariants') }}
where invariant_id = 'D1' and status = 'failed'

-- V2 reserves equal the contracts' answers at every pinned block.
select *
from {{ ref('data_invariants') }}
where invariant_id = 'RD1' and status = 'failed'

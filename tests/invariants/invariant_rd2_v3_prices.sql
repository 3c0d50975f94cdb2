-- V3 prices and ticks equal the contracts' answers at every pinned block.
select *
from {{ ref('data_invariants') }}
where invariant_id = 'RD2' and status = 'failed'

-- V3 active liquidity equals the contracts' answers at every pinned block.
select *
from {{ ref('data_invariants') }}
where invariant_id = 'RD3' and status = 'failed'

-- Accrued liquidity indexes equal getReserveNormalizedIncome at every pinned block.
select *
from {{ ref('data_invariants') }}
where invariant_id = 'RL3' and status = 'failed'

-- Accrued borrow indexes equal getReserveNormalizedVariableDebt at every pinned block.
select *
from {{ ref('data_invariants') }}
where invariant_id = 'RL4' and status = 'failed'

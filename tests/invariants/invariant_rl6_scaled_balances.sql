-- Scaled balances equal scaledBalanceOf at every pinned block.
select *
from {{ ref('data_invariants') }}
where invariant_id = 'RL6' and status = 'failed'

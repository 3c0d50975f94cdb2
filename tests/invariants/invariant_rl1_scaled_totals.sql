-- scaledTotalSupply of every aToken and debt token equals the model at every pinned block.
select *
from {{ ref('data_invariants') }}
where invariant_id = 'RL1' and status = 'failed'

-- All six numbers of getUserAccountData equal the model for every account read at every pinned block.
select *
from {{ ref('data_invariants') }}
where invariant_id = 'RL7' and status = 'failed'

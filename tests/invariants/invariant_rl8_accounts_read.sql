-- Every account with a position was read wherever accounts were.
select *
from {{ ref('data_invariants') }}
where invariant_id = 'RL8' and status = 'failed'

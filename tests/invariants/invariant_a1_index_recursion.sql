-- Every index of a reserve follows from the one before, its rate and the time passed.
select *
from {{ ref('data_invariants') }}
where invariant_id = 'A1' and status = 'failed'

-- Every live log is unique and every block has one hash.
select *
from {{ ref('data_invariants') }}
where invariant_id = 'I1' and status = 'failed'

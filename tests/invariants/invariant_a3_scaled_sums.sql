-- Scaled balances add up to what was minted less what was burned, and none is negative.
select *
from {{ ref('data_invariants') }}
where invariant_id = 'A3' and status = 'failed'

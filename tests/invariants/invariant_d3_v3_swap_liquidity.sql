-- The positions in range are the liquidity that every V3 swap states.
select *
from {{ ref('data_invariants') }}
where invariant_id = 'D3' and status = 'failed'

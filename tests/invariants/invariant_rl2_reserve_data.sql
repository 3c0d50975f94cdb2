-- Stored indexes, rates and token addresses of every reserve equal getReserveData at every pinned block.
select *
from {{ ref('data_invariants') }}
where invariant_id = 'RL2' and status = 'failed'

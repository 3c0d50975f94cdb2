-- What the ledger says was loaded is there to the row, once.
select *
from {{ ref('data_invariants') }}
where invariant_id = 'I2' and status = 'failed'

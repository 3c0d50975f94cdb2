-- What the ledger says was loaded is there to the row, once.
select
    chain_id,
    entity,
    as_of_block,
    failed_count,
    first_failed_block,
    expected_value,
    actual_value
from {{ ref('data_invariants') }}
where invariant_id = 'I2' and status = 'failed'

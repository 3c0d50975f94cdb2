-- V2 reserves follow from the actions that changed them.
select
    chain_id,
    entity,
    as_of_block,
    failed_count,
    first_failed_block,
    expected_value,
    actual_value
from {{ ref('data_invariants') }}
where invariant_id = 'D1' and status = 'failed'

-- Every live log is unique and every block has one hash.
select
    chain_id,
    entity,
    as_of_block,
    failed_count,
    first_failed_block,
    expected_value,
    actual_value
from {{ ref('data_invariants') }}
where invariant_id = 'I1' and status = 'failed'

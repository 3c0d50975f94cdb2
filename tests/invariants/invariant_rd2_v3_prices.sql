-- V3 prices and ticks equal the contracts' answers at every pinned block.
select
    chain_id,
    entity,
    as_of_block,
    failed_count,
    first_failed_block,
    expected_value,
    actual_value
from {{ ref('data_invariants') }}
where invariant_id = 'RD2' and status = 'failed'

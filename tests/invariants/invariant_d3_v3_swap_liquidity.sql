-- The positions in range are the liquidity that every V3 swap states.
select
    chain_id,
    entity,
    as_of_block,
    failed_count,
    first_failed_block,
    expected_value,
    actual_value
from {{ ref('data_invariants') }}
where invariant_id = 'D3' and status = 'failed'

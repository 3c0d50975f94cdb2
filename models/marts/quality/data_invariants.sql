-- As the checks found it. What is summed up per mart reads the same model, not this one: dbt skips what reads a model
-- whose tests fail, and the sums are wanted most when a check fails.
select
    invariant_id,
    mart,
    chain_id,
    entity,
    status,
    checked_count,
    failed_count,
    first_failed_block,
    expected_value,
    actual_value,
    as_of_block
from {{ ref('int_quality_results') }}

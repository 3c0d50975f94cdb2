-- Prices equal getAssetPrice of the market's oracle at every pinned block.
select *
from {{ ref('data_invariants') }}
where invariant_id = 'RL5' and status = 'failed'

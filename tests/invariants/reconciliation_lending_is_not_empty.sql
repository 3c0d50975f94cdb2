{{ config(meta = {'tested_in_audits': true}) }}

-- A reconciliation that compared nothing proves nothing: where a market with complete history was read at a pinned
-- block, its comparison was made there.
with

reads as (

    select distinct
        chain_id,
        block_number,
        function_name
    from {{ ref('stg_poolhouse__contract_reads') }}
    where
        status = 'ok'
        and function_name in ({{ "'" ~ aave_reconciled_functions() | join("', '") ~ "'" }})

),

points as (

    select distinct
        chain_id,
        market_address,
        as_of_block
    from {{ ref('int_lending_aave_v3_points') }}
    where is_pinned

),

due as (

    select
        points.chain_id,
        points.market_address,
        points.as_of_block,
        case reads.function_name
            when 'scaledTotalSupply' then 'RL1'
            when 'getReserveData' then 'RL2'
            when 'getReserveNormalizedIncome' then 'RL3'
            when 'getReserveNormalizedVariableDebt' then 'RL4'
            when 'getAssetPrice' then 'RL5'
            when 'scaledBalanceOf' then 'RL6'
            when 'getUserAccountData' then 'RL7'
        end as invariant_id
    from points
    inner join reads
        on
            points.chain_id = reads.chain_id
            and points.as_of_block = reads.block_number

),

made as (

    select * from {{ ref('data_invariants') }}
    where checked_count > 0

),

final as (

    select due.*
    from due
    left outer join made
        on
            due.chain_id = made.chain_id
            and due.invariant_id = made.invariant_id
            and due.market_address = made.entity
            and due.as_of_block = made.as_of_block
    where made.entity is null

)

select * from final

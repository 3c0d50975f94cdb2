-- scaledBalanceOf at the pinned blocks beside the models' balance, one row per token and account. An account that was
-- not read where its token was must hold nothing, and one that the models do not know must hold nothing on the chain.
with

points as (

    select distinct chain_id, market_address, as_of_block
    from {{ ref('int_lending_aave_v3_points') }}
    where is_pinned

),

reserves as (

    select * from {{ ref('int_lending_aave_v3_reserves') }}

),

position_tokens as (

    select chain_id, market_address, atoken_address as position_token_address from reserves
    union all
    select chain_id, market_address, variable_debt_token_address as position_token_address
    from reserves

),

balances as (

    select * from {{ ref('int_lending_aave_v3_scaled_balances') }}

),

reads as (

    select
        chain_id,
        block_number,
        contract_address,
        {{ json_array_item('arguments', 0) }} as account_address,
        value
    from {{ ref('stg_poolhouse__contract_reads') }}
    where function_name = 'scaledBalanceOf' and status = 'ok'

),

asked as (

    select distinct chain_id, block_number, contract_address from reads

),

known as (

    select
        points.chain_id,
        points.as_of_block as block_number,
        points.market_address,
        balances.position_token_address as contract_address,
        balances.account_address,
        balances.scaled_balance_raw
    from points
    inner join balances
        on
            points.chain_id = balances.chain_id
            and points.market_address = balances.market_address
            and {{ holds_at('balances', 'points') | indent(12) }}
    inner join asked
        on
            points.chain_id = asked.chain_id
            and points.as_of_block = asked.block_number
            and balances.position_token_address = asked.contract_address

),

-- Zero is known only of tokens of a reserve, at blocks whose state is.
empty_points as (

    select
        points.chain_id,
        points.as_of_block as block_number,
        points.market_address,
        position_tokens.position_token_address as contract_address
    from points
    inner join position_tokens
        on
            points.chain_id = position_tokens.chain_id
            and points.market_address = position_tokens.market_address

),

final as (

    select
        coalesce(reads.chain_id, known.chain_id) as chain_id,
        coalesce(known.market_address, empty_points.market_address) as market_address,
        coalesce(reads.contract_address, known.contract_address) as contract_address,
        coalesce(reads.block_number, known.block_number) as block_number,
        coalesce(reads.account_address, known.account_address) as account_address,
        coalesce(reads.value, '0') as read_value,
        case
            when known.account_address is not null
                then {{ int_to_text('known.scaled_balance_raw') }}
            when empty_points.contract_address is not null then '0'
        end as modelled_value
    from reads
    full outer join known
        on
            reads.chain_id = known.chain_id
            and reads.block_number = known.block_number
            and reads.contract_address = known.contract_address
            and reads.account_address = known.account_address
    left outer join empty_points
        on
            reads.chain_id = empty_points.chain_id
            and reads.block_number = empty_points.block_number
            and reads.contract_address = empty_points.contract_address

)

select * from final

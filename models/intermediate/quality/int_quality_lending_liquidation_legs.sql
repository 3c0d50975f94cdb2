-- A7: each liquidation burned the debt it names, and took the collateral it names from the account, in the same
-- transaction; debt burned beyond that is a deficit that says so.
with

markets as (

    select * from {{ ref('int_lending_aave_v3_markets') }}

),

asked as (

    select
        chain_id,
        market_address as entity
    from {{ ref('int_lending_aave_v3_liquidations') }}

),

points as (

    select * from {{ ref('int_lending_aave_v3_liquidation_points') }}

),

reserves as (

    select * from {{ ref('int_lending_aave_v3_reserves') }}

),

-- What the account lost within the liquidation's own logs, by aToken and debt token.
losses as (

    select
        points.chain_id,
        points.block_number,
        points.log_index,
        points.market_address,
        reserves.token_address,
        case
            when deltas.position_token_address = reserves.atoken_address then 'collateral'
            else 'debt'
        end as detail,
        deltas.log_index as loss_log_index,
        deltas.index_raw,
        -deltas.scaled_delta_raw as scaled_loss_raw
    from points
    inner join {{ ref('int_lending_aave_v3_scaled_deltas') }} as deltas
        on
            points.chain_id = deltas.chain_id
            and points.tx_hash = deltas.tx_hash
            and points.account_address = deltas.account_address
            and deltas.log_index between points.start_log_index and points.log_index
    inner join reserves
        on
            points.chain_id = reserves.chain_id
            and points.market_address = reserves.market_address
            and deltas.position_token_address
            in (reserves.atoken_address, reserves.variable_debt_token_address)
    where deltas.scaled_delta_raw < 0

),

-- The treasury's fee leaves the account after the liquidator's part.
taken as (

    select * from losses
    qualify row_number() over (
        partition by chain_id, block_number, log_index, token_address, detail
        order by loss_log_index
    ) = 1

),

stated as (

    select
        chain_id, block_number, log_index, market_address, 'collateral' as detail,
        collateral_token_address as token_address, collateral_amount_raw as amount_raw
    from points
    union all
    select
        chain_id, block_number, log_index, market_address, 'debt' as detail,
        debt_token_address as token_address, debt_amount_raw as amount_raw
    from points
    union all
    select
        points.chain_id, points.block_number, points.log_index, points.market_address,
        'debt' as detail, deficits.token_address, deficits.amount_raw
    from points
    inner join {{ ref('stg_aave_v3__pool_deficit_created') }} as deficits
        on
            points.chain_id = deficits.chain_id
            and points.tx_hash = deficits.tx_hash
            and points.market_address = deficits.pool_address
            and points.account_address = deficits.account_address
            and deficits.log_index between points.start_log_index and points.log_index

),

due as (

    select
        chain_id,
        block_number,
        log_index,
        market_address,
        detail,
        token_address,
        sum(amount_raw) as amount_raw
    from stated
    group by chain_id, block_number, log_index, market_address, detail, token_address

),

-- Where aTokens of another reserve than the collateral moved, that is another matter; debt is not.
paired as (

    select
        {% for column in [
            'chain_id', 'block_number', 'log_index', 'market_address', 'detail', 'token_address'
        ] -%}
        coalesce(due.{{ column }}, taken.{{ column }}) as {{ column }},
        {% endfor -%}
        due.amount_raw,
        taken.index_raw,
        taken.scaled_loss_raw
    from due
    full outer join taken
        on
            due.chain_id = taken.chain_id
            and due.block_number = taken.block_number
            and due.log_index = taken.log_index
            and due.detail = taken.detail
            and due.token_address = taken.token_address
    where due.detail is not null or taken.detail = 'debt'

),

scaled as (

    select
        *,
        {{ ray_div('amount_raw', 'index_raw') | indent(8) }} as scaled_amount_raw
    from paired

),

checked as (

    select
        chain_id,
        market_address as entity,
        block_number,
        log_index,
        {% for value, column in [
            ('scaled_amount_raw', 'expected_value'), ('scaled_loss_raw', 'actual_value')
        ] -%}
        {{ dbt.concat([
            'detail', "' '", 'token_address', "': '", "coalesce(" ~ int_to_text(value) ~ ", 'none')"
        ]) }} as {{ column }},
        {% endfor -%}
        not coalesce(scaled_amount_raw = scaled_loss_raw, false) as is_failed
    from scaled

),

{{ market_check_rows('A7', 'lending_liquidations') }}

select * from final

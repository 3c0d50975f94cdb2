{{
    config(
        materialized = 'incremental',
        incremental_strategy = replace_strategy(),
        partition_by = day_partition('closed_date'),
        cluster_by = ['chain_id', 'market_address', 'token_address', 'account_address'],
        meta = aave_onward(),
        pre_hook = "{{ find_dirty_days() }}",
        post_hook = "{{ record_watermark(ref('int_dimension_changes')) }}",
    )
}}
{%- set keys = ['chain_id', 'position_token_address', 'account_address'] -%}
{%- set columns = [
    'chain_id', 'market_address', 'token_address', 'side', 'position_token_address', 'account_address',
    'block_number', 'block_timestamp', 'block_date',
] %}
-- Scaled balance of every account in every aToken and debt token after each block that changed it.
with

deltas as (

    select * from {{ ref('int_lending_aave_v3_scaled_deltas') }}
    where {{ is_dirty_onward('block_date') }}

),

reserves as (

    select * from {{ ref('int_lending_aave_v3_reserves') }}

),

position_tokens as (

    select
        chain_id, market_address, token_address, atoken_address as position_token_address,
        'supply' as side
    from reserves
    where atoken_address is not null
    union all
    select chain_id, market_address, token_address, variable_debt_token_address, 'debt' as side
    from reserves
    where variable_debt_token_address is not null

),

per_block as (

    select
        position_tokens.chain_id,
        position_tokens.market_address,
        position_tokens.token_address,
        position_tokens.side,
        position_tokens.position_token_address,
        deltas.account_address,
        deltas.block_number,
        deltas.block_timestamp,
        deltas.block_date,
        -- A sum skips what is unknown: the block's change is known only if each of its deltas is.
        case when count(deltas.scaled_delta_raw) = count(*) then sum(deltas.scaled_delta_raw) end
            as scaled_delta_raw
    from deltas
    inner join position_tokens
        on
            deltas.chain_id = position_tokens.chain_id
            and deltas.position_token_address = position_tokens.position_token_address
    group by
        position_tokens.chain_id,
        position_tokens.market_address,
        position_tokens.token_address,
        position_tokens.side,
        position_tokens.position_token_address,
        deltas.account_address,
        deltas.block_number,
        deltas.block_timestamp,
        deltas.block_date

),

-- What a balance is the running sum of: the changes and, in an incremental build, the balance to go on from.
steps as (

    select
        {{ columns | join(', ') }}, scaled_delta_raw,
        scaled_delta_raw as step_raw
    from per_block
    {{ union_carried(
        columns + ['scaled_delta_raw', 'scaled_balance_raw as step_raw']
    ) | indent(4) }}

),

final as (

    select
        {% for column in columns -%}
        steps.{{ column }},
        {% endfor -%}
        steps.scaled_delta_raw,
        sum(steps.step_raw) over (
            partition by steps.chain_id, steps.position_token_address, steps.account_address
            order by steps.block_number
            rows between unbounded preceding and current row
        ) as scaled_balance_raw,
        {{ until_block('steps', keys, ['block_number']) | indent(8) }} as until_block,
        {{ closed_date('steps', keys, ['block_number']) | indent(8) }} as closed_date
    from steps

)

select * from final

{{
    config(
        materialized = 'incremental',
        incremental_strategy = replace_strategy(),
        partition_by = day_partition('block_date'),
        meta = {'dirty_families': ['aave_v3']},
        pre_hook = "{{ find_dirty_days() }}",
        post_hook = "{{ record_watermark() }}",
    )
}}
{#- One line per event: action, then where each column of the fact comes from; what is not named is NULL. -#}
{%- set no_address = 'cast(null as ' ~ dbt.type_string() ~ ')' -%}
{%- set defaults = {
    'contract_address': 'pool_address',
    'account_address': 'account_address',
    'caller_address': no_address,
    'counterparty_address': no_address,
    'token_address': 'token_address',
    'amount_raw': 'amount_raw',
    'emode_category_id': 'cast(null as ' ~ dbt.type_bigint() ~ ')',
    'is_paid_with_atokens': 'cast(null as ' ~ dbt.type_boolean() ~ ')',
} -%}
{%- set no_amount = 'cast(null as ' ~ type_exact_int() ~ ')' -%}
{%- set events = [
    ('supply', 'pool_supply', {'caller_address': 'caller_address'}),
    ('withdraw', 'pool_withdraw',
        {'caller_address': 'account_address', 'counterparty_address': 'recipient_address'}),
    ('borrow', 'pool_borrow', {'caller_address': 'caller_address'}),
    ('repay', 'pool_repay', {
        'caller_address': 'caller_address', 'is_paid_with_atokens': 'is_paid_with_atokens'}),
    ('liquidate', 'pool_liquidation_call', {
        'caller_address': 'liquidator_address', 'counterparty_address': 'liquidator_address',
        'token_address': 'debt_token_address', 'amount_raw': 'debt_amount_raw'}),
    ('flashloan', 'pool_flash_loan', {
        'account_address': 'initiator_address', 'caller_address': 'initiator_address',
        'counterparty_address': 'target_address'}),
    ('collateral_on', 'pool_reserve_used_as_collateral_enabled', {'amount_raw': no_amount}),
    ('collateral_off', 'pool_reserve_used_as_collateral_disabled', {'amount_raw': no_amount}),
    ('emode_set', 'pool_user_emode_set', {
        'token_address': no_address, 'amount_raw': no_amount,
        'emode_category_id': 'emode_category_id'}),
    ('treasury_mint', 'pool_minted_to_treasury', {'account_address': no_address}),
    ('deficit_created', 'pool_deficit_created', {}),
    ('deficit_covered', 'pool_deficit_covered',
        {'account_address': 'caller_address', 'caller_address': 'caller_address'}),
    ('transfer', 'token_balance_transfer', {
        'contract_address': 'position_token_address', 'account_address': 'from_address',
        'caller_address': no_address, 'counterparty_address': 'to_address',
        'token_address': no_address, 'amount_raw': ray_mul('scaled_amount_raw', 'index_raw')}),
] %}

with

final as (

    {% for action, model, sources in events %}
    select
        chain_id,
        block_number,
        block_timestamp,
        block_date,
        tx_hash,
        tx_index,
        log_index,
        {% for column, default in defaults.items() -%}
        {{ sources.get(column, default) | indent(8) }} as {{ column }},
        {% endfor -%}
        '{{ action }}' as action
    from {{ ref('stg_aave_v3__' ~ model) }}
    where {{ is_dirty('block_timestamp', 'block_timestamp') }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

)

select * from final

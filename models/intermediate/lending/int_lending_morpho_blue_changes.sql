{{ config(materialized = 'audit') }}

-- What each event did to its market's totals and to one account's position in it, in raw units.
{%- set freed_assets = '-(' ~ bounded_sum('repaid_assets_raw', 'bad_debt_assets_raw') ~ ')' -%}
{%- set freed_shares = '-(' ~ bounded_sum('repaid_shares_raw', 'bad_debt_shares_raw') ~ ')' -%}
{%- set events = [
    ('supply', 'assets_raw', 'shares_raw', none, none, 'shares_raw', none, none),
    ('withdraw', '-assets_raw', '-shares_raw', none, none, '-shares_raw', none, none),
    ('borrow', none, none, 'assets_raw', 'shares_raw', none, 'shares_raw', none),
    ('repay', none, none, '-assets_raw', '-shares_raw', none, '-shares_raw', none),
    ('supply_collateral', none, none, none, none, none, none, 'collateral_raw'),
    ('withdraw_collateral', none, none, none, none, none, none, '-collateral_raw'),
    (
        'liquidate',
        '-bad_debt_assets_raw', none, freed_assets, freed_shares,
        none, freed_shares, '-seized_collateral_raw',
    ),
    (
        'accrue_interest',
        'interest_raw', 'fee_shares_raw', 'interest_raw', none,
        'fee_shares_raw', none, none,
    ),
] -%}
{%- set columns = [
    'supply_assets', 'supply_shares', 'borrow_assets', 'borrow_shares',
    'position_supply_shares', 'position_borrow_shares', 'position_collateral',
] -%}
{%- set zero = exact_int('0') %}

with

{% for event in events if event[0] != 'accrue_interest' -%}
{{ event[0] }} as (

    select * from {{ ref('stg_morpho_blue__morpho_' ~ event[0]) }}

),

{% endfor -%}
recipients as (

    select * from {{ ref('stg_morpho_blue__morpho_set_fee_recipient') }}

),

-- Fees go to whoever received them when they were added; until there was a recipient, to nobody's address.
accrue_interest as (

    select
        accruals.*,
        coalesce(recipients.account_address, {{ zero_address() }}) as account_address
    from {{ ref('stg_morpho_blue__morpho_accrue_interest') }} as accruals
    left outer join recipients
        on
            accruals.chain_id = recipients.chain_id
            and accruals.morpho_address = recipients.morpho_address
            and (
                accruals.block_number > recipients.block_number
                or (
                    accruals.block_number = recipients.block_number
                    and accruals.log_index > recipients.log_index
                )
            )
    qualify row_number() over (
        partition by accruals.chain_id, accruals.block_number, accruals.log_index
        order by recipients.block_number desc, recipients.log_index desc
    ) = 1

),

unioned as (

    {% for event in events %}
    select
        {% for column in columns -%}
        {{ event[loop.index] or zero }} as {{ column }}_delta_raw,
        {% endfor -%}
        chain_id,
        block_number,
        block_timestamp,
        log_index,
        morpho_address,
        market_id,
        account_address,
        '{{ event[0] }}' as event_name
    from {{ event[0] }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

)

select * from unioned

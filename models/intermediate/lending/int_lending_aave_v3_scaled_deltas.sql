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
{%- set log_names = [
    'chain_id', 'block_number', 'block_timestamp', 'block_date', 'tx_hash', 'tx_index', 'log_index',
    'position_token_address',
] -%}

with

mints as (

    select * from {{ ref('stg_aave_v3__token_mint') }}
    where {{ is_dirty('block_timestamp', 'block_timestamp') }}

),

burns as (

    select * from {{ ref('stg_aave_v3__token_burn') }}
    where {{ is_dirty('block_timestamp', 'block_timestamp') }}

),

transfers as (

    select * from {{ ref('stg_aave_v3__token_balance_transfer') }}
    where {{ is_dirty('block_timestamp', 'block_timestamp') }}

),

-- `value` of a mint includes the interest, that of a burn excludes it. A burn smaller than the interest is
-- emitted as a Mint with value < balanceIncrease: its amount comes out negative.
amounts as (

    select
        {{ log_names | join(', ') }},
        account_address,
        'mint' as leg,
        index_raw,
        case
            when {{ aave_is_plausible('value_raw', 'balance_increase_raw') }}
                then value_raw - balance_increase_raw
        end as amount_raw
    from mints
    union all
    select
        {{ log_names | join(', ') }},
        account_address,
        'burn' as leg,
        index_raw,
        case
            when {{ aave_is_plausible('value_raw', 'balance_increase_raw') }}
                then -(value_raw + balance_increase_raw)
        end as amount_raw
    from burns

),

signed as (

    select
        {{ log_names | join(', ') }},
        account_address,
        leg,
        nullif(index_raw, 0) as index_raw,
        abs(amount_raw) as abs_amount_raw,
        sign(amount_raw) as amount_sign
    from amounts

),

final as (

    select
        {{ log_names | join(', ') }},
        leg,
        account_address,
        index_raw,
        {{ aave_scaled_delta('amount_sign', 'abs_amount_raw', 'index_raw') }} as scaled_delta_raw
    from signed
    union all
    select
        {{ log_names | join(', ') }},
        'transfer_out' as leg,
        from_address as account_address,
        index_raw,
        -scaled_amount_raw as scaled_delta_raw
    from transfers
    union all
    select
        {{ log_names | join(', ') }},
        'transfer_in' as leg,
        to_address as account_address,
        index_raw,
        scaled_amount_raw as scaled_delta_raw
    from transfers

)

select * from final

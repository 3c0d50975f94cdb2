-- eMode category of an account from each change on.
with

stated as (

    select
        chain_id,
        pool_address as market_address,
        account_address,
        emode_category_id,
        block_number,
        block_date,
        log_index
    from {{ ref('stg_aave_v3__pool_user_emode_set') }}

),

final as (

    select
        stated.*,
        {{ until_block('stated', ['chain_id', 'market_address', 'account_address']) | indent(8) }}
            as until_block
    from stated

)

select * from final

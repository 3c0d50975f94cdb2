-- When a reserve counts as collateral of an eMode category. Before 3.2 a reserve had one category and moved
-- between them; since then each pair has its own switch.
with

markets as (

    select * from {{ ref('int_lending_aave_v3_markets') }}

),

moves as (

    select * from {{ ref('stg_aave_v3__configurator_emode_asset_category_changed') }}

),

switches as (

    select * from {{ ref('stg_aave_v3__configuration') }}
    where event_name = 'AssetCollateralInEModeChanged'

),

-- A move to the same category stays: it leaves first.
stated as (

    select
        chain_id, configurator_address, token_address, block_number, block_date, log_index,
        0 as step, old_category_id as emode_category_id, false as is_member
    from moves
    union all
    select
        chain_id, configurator_address, token_address, block_number, block_date, log_index,
        1 as step, new_category_id as emode_category_id, true as is_member
    from moves
    union all
    select
        chain_id,
        contract_address as configurator_address,
        {{ json_field('payload', 'asset') }} as token_address,
        block_number,
        block_date,
        log_index,
        1 as step,
        cast({{ json_field('payload', 'category_id') }} as {{ dbt.type_bigint() }})
            as emode_category_id,
        {{ json_field('payload', 'collateral') }} = 'true' as is_member
    from switches

),

last_steps as (

    select * from stated
    where emode_category_id != 0
    qualify row_number() over (
        partition by
            chain_id,
            configurator_address,
            token_address,
            emode_category_id,
            block_number,
            log_index
        order by step desc
    ) = 1

),

final as (

    select
        markets.chain_id,
        markets.market_address,
        last_steps.token_address,
        last_steps.emode_category_id,
        last_steps.is_member,
        last_steps.block_number,
        last_steps.block_date,
        last_steps.log_index,
        {{ until_block(
            'last_steps', ['chain_id', 'configurator_address', 'token_address', 'emode_category_id']
        ) | indent(8) }} as until_block
    from last_steps
    inner join markets
        on
            last_steps.chain_id = markets.chain_id
            and last_steps.configurator_address = markets.configurator_address

)

select * from final

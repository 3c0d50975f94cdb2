-- D2: no V2 swap leaves a smaller product of balances, less the pair's fee, than the reserves had before; and where
-- transfers are loaded, shares are minted and burned by the pair's own arithmetic from amounts, reserves and supply.
with

products as (

    select * from {{ ref('int_dex_v2_products') }}

),

-- Swaps at a fee that is not in whole ten-thousandths are not among the products: of such pairs nothing is claimed.
pools as (

    select
        chain_id,
        pool_address,
        head_block,
        is_history_complete and coalesce(mod(fee_pips, 100) = 0, false) as is_history_complete
    from {{ ref('int_dex_pools') }}
    where protocol != 'unknown' and family = 'uniswap_v2'

),

held as (

    select
        *,
        coalesce(
            case rule
                when 'at_least' then comparison >= 0
                when 'at_most' then comparison <= 0
                else comparison > 0
            end,
            false
        ) as is_held
    from products

),

logs as (

    select
        chain_id,
        pool_address,
        block_number,
        log_index,
        max(case when rule != 'any_more' and not is_held then 1 else 0 end) = 1
        or (
            max(case when rule = 'any_more' then 1 else 0 end) = 1
            and max(case when rule = 'any_more' and is_held then 1 else 0 end) = 0
        ) as is_failed
    from held
    group by chain_id, pool_address, block_number, log_index

),

worst as (

    select *
    from held
    where not is_held
    qualify row_number() over (
        partition by chain_id, block_number, log_index
        order by case when rule = 'any_more' then 1 else 0 end, rule, a, b, c, d
    ) = 1

),

checked as (

    select
        logs.chain_id,
        logs.pool_address as entity,
        logs.block_number,
        logs.log_index,
        concat(
            worst.rule, ' ', coalesce({{ int_to_text('worst.c') }}, 'unknown'), ' * ',
            coalesce({{ int_to_text('worst.d') }}, 'unknown')
        ) as expected_value,
        concat(
            coalesce({{ int_to_text('worst.a') }}, 'unknown'), ' * ',
            coalesce({{ int_to_text('worst.b') }}, 'unknown')
        ) as actual_value,
        logs.is_failed
    from logs
    left outer join worst
        on
            logs.chain_id = worst.chain_id
            and logs.block_number = worst.block_number
            and logs.log_index = worst.log_index

),

{{ pool_check_rows('D2', 'dex_trades') }}

select * from final

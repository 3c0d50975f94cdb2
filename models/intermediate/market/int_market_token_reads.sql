-- What each token's own contract says: the newest answer, else how the newest call failed.
with

addresses as (

    select * from {{ ref('int_market_token_addresses') }}

),

answers as (

    select
        *,
        {{ newest_day_first(
            "decimals_status = 'ok'", 'decimals_status is not null'
        ) | indent(8) }} as decimals_rank,
        {{ newest_day_first('symbol is not null') | indent(8) }} as symbol_rank,
        {{ newest_day_first('name is not null') | indent(8) }} as name_rank
    from {{ ref('int_market_token_answers') }}

),

final as (

    select
        answers.chain_id,
        answers.contract_address as token_address,
        max(case when answers.symbol_rank = 1 then answers.symbol end) as symbol,
        max(case when answers.name_rank = 1 then answers.name end) as name, -- noqa: RF04
        max(case when answers.decimals_rank = 1 then answers.decimals end) as decimals,
        max(case when answers.decimals_rank = 1 then answers.decimals_status end) as decimals_status
    from answers
    inner join addresses
        on
            answers.chain_id = addresses.chain_id
            and answers.contract_address = addresses.token_address
    group by answers.chain_id, answers.contract_address

)

select * from final

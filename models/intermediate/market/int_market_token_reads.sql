-- What each token's own contract says: the newest answer, else how the newest call failed.
with

addresses as (

    select * from {{ ref('int_market_token_addresses') }}

),

reads as (

    select * from {{ ref('stg_poolhouse__contract_reads') }}
    where function_name in ('decimals', 'symbol', 'name')

),

newest as (

    select
        reads.chain_id,
        reads.contract_address as token_address,
        reads.function_name,
        reads.value,
        reads.status
    from reads
    inner join addresses
        on
            reads.chain_id = addresses.chain_id
            and reads.contract_address = addresses.token_address
    qualify row_number() over (
        partition by reads.chain_id, reads.contract_address, reads.function_name
        order by
            case when reads.status = 'ok' then 0 else 1 end asc,
            reads.block_number desc,
            reads.arguments asc
    ) = 1

),

final as (

    select
        chain_id,
        token_address,
        max(case when function_name = 'symbol' and status = 'ok' then value end) as symbol,
        max(case when function_name = 'name' and status = 'ok' then value end) as name, -- noqa: RF04
        max(
            case
                when function_name = 'decimals' and status = 'ok'
                    then {{ try_cast('value', dbt.type_bigint()) }}
            end
        ) as decimals,
        max(case when function_name = 'decimals' then status end) as decimals_status
    from newest
    group by chain_id, token_address

)

select * from final

{{
    config(
        partition_by = month_partition('first_date'),
        meta = {'tested_by': 'first_date'},
    )
}}

with

addresses as (

    select * from {{ ref('int_market_token_addresses') }}

),

reads as (

    select * from {{ ref('int_market_token_reads') }}

),

registry as (

    select * from {{ ref('registry_tokens') }}

),

-- A contract may answer anything: only what an ERC-20 can mean counts as decimals.
joined as (

    select
        addresses.chain_id,
        addresses.token_address,
        addresses.first_timestamp,
        coalesce(reads.symbol, registry.symbol) as symbol,
        reads.name,
        case when reads.decimals between 0 and 255 then reads.decimals end as read_decimals,
        reads.decimals_status,
        registry.decimals as registry_decimals,
        coalesce(registry.category, 'other') as category,
        coalesce(registry.is_anchor, false) as is_anchor,
        registry.peg_usd,
        registry.token_address is not null as is_registered
    from addresses
    left outer join reads
        on
            addresses.chain_id = reads.chain_id
            and addresses.token_address = reads.token_address
    left outer join registry
        on
            addresses.chain_id = registry.chain_id
            and addresses.token_address = registry.token_address

),

final as (

    select
        chain_id,
        token_address,
        symbol,
        name,
        coalesce(read_decimals, registry_decimals) as decimals,
        case
            when read_decimals is not null then 'contract'
            when registry_decimals is not null then 'registry'
        end as decimals_source,
        case
            when read_decimals is not null or registry_decimals is not null then null
            when decimals_status is null then 'not_read'
            when decimals_status = 'ok' then 'out_of_range'
            else decimals_status
        end as decimals_missing_reason,
        registry_decimals,
        category,
        is_anchor,
        cast(peg_usd as {{ type_decimal() }}) as peg_usd,
        is_registered,
        first_timestamp,
        {{ to_date('first_timestamp') }} as first_date
    from joined

)

select * from final

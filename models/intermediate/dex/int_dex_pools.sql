{{ config(materialized = 'view', meta = {'tested_in_audits': true}) }}

-- One row per pool: the strongest evidence decides, and only a registered factory's pools belong to a protocol.
with

candidates as (

    select * from {{ ref('int_dex_pool_candidates') }}

),

factories as (

    select * from {{ ref('registry_contracts') }}
    where role = 'factory'

),

heads as (

    select * from {{ ref('int_ledger_heads') }}

),

judged as (

    select
        candidates.*,
        factories.protocol as factory_protocol,
        factories.version as factory_version,
        factories.fee_pips as factory_fee_pips,
        factories.contract_address is not null
        and candidates.evidence in ('creation_event', 'create2', 'factory') as is_proven
    from candidates
    left outer join factories
        on
            candidates.chain_id = factories.chain_id
            and candidates.family = factories.family
            and candidates.factory_address = factories.contract_address

),

strongest as (

    select *
    from judged
    qualify row_number() over (
        partition by chain_id, pool_address
        order by
            case when is_proven then 0 else 1 end,
            case evidence
                when 'creation_event' then 0
                when 'create2' then 1
                when 'factory' then 2
                when 'none' then 3
                else 4
            end,
            created_block,
            created_log_index,
            family,
            factory_address
    ) = 1

),

final as (

    select
        strongest.chain_id,
        strongest.pool_address as pool_id,
        strongest.pool_address,
        strongest.family,
        case when strongest.is_proven then strongest.factory_protocol else 'unknown' end
            as protocol,
        case
            when strongest.is_proven then strongest.factory_version
            else replace(strongest.family, 'uniswap_v', '')
        end as version, -- noqa: RF04
        strongest.factory_address,
        strongest.token0,
        strongest.token1,
        coalesce(
            strongest.pool_fee_pips,
            case when strongest.is_proven then strongest.factory_fee_pips end
        ) as fee_pips,
        strongest.tick_spacing,
        strongest.created_block,
        strongest.created_timestamp,
        strongest.first_timestamp,
        case when strongest.is_proven then strongest.evidence else 'unproven' end as origin,
        case
            when strongest.is_proven then null
            when strongest.evidence = 'swap' then 'not_completed'
            when strongest.evidence = 'none' then 'not_proven'
            else 'factory_not_registered'
        end as unproven_reason,
        coalesce(
            strongest.is_proven
            and strongest.created_block between heads.from_block and heads.head_block,
            false
        ) as is_history_complete,
        case when strongest.is_proven then heads.head_block end as head_block
    from strongest
    left outer join heads
        on
            strongest.chain_id = heads.chain_id
            and strongest.family = heads.family

)

select * from final

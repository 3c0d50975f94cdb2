{{
    config(
        materialized = 'incremental',
        full_refresh = false,
        partition_by = build_partition(),
        meta = {'tested_in_audits': true},
        pre_hook = "{{ create_logged_dimensions() }}",
        post_hook = [
            "{{ record_dimension_build() }}",
            "{{ record_logged_dimensions() }}",
            "{{ record_untested_days(this) }}",
        ],
    )
}}

-- What the days of facts depend on beside their logs. A dimension is a CTE here that gives each entity a digest of the
-- columns that facts use, and the time of the first fact that may use them; an entity without one is none. They are
-- compared with what this log says of them as of its last build, which a table of its own keeps.
with

dex_pools as (

    select
        'dex_pools' as dimension,
        chain_id,
        pool_address as entity,
        {{ row_digest([
            'family', 'protocol', 'version', 'token0', 'token1', 'fee_pips'
        ]) | indent(8) }} as digest,
        first_timestamp
    from {{ ref('dex_pools') }}

),

tokens as (

    select
        'tokens' as dimension,
        chain_id,
        token_address as entity,
        {{ row_digest([
            'decimals', 'category', 'is_anchor', 'cast(peg_usd * 1000000000 as int64)', 'symbol'
        ]) | indent(8) }} as digest,
        first_timestamp
    from {{ ref('tokens') }}

),

price_feeds as (

    select
        'price_feeds' as dimension,
        chain_id,
        {{ dbt.concat(['feed_address', "'/'", 'aggregator_address']) }} as entity,
        {{ row_digest([
            'phase_id', 'token_address', 'quote', 'heartbeat_s', 'decimals'
        ]) | indent(8) }} as digest,
        first_timestamp
    from {{ ref('int_market_oracle_aggregators') }}
    union all
    -- Where a phase ends: what is older stands when a new one begins.
    select
        'price_feeds' as dimension,
        chain_id,
        {{ dbt.concat(['feed_address', "'/'", 'aggregator_address', "'/end'"]) }} as entity,
        {{ row_digest(['valid_before_block']) | indent(8) }} as digest,
        valid_before_timestamp as first_timestamp
    from {{ ref('int_market_oracle_aggregators') }}

),

-- Prices are carried up to the head of what is loaded: from the older of two heads on they come or go.
price_heads as (

    select
        'price_heads' as dimension,
        chain_id,
        'head' as entity,
        {{ row_digest([unix_seconds(to_hour('max(max_timestamp)'))]) | indent(8) }} as digest,
        {{ to_hour('max(max_timestamp)') }} as first_timestamp
    from {{ ref('int_ledger_live_segments') }}
    where {{ has_family('families', price_families()) }}
    group by chain_id

),

lending as (

    select * from {{ ref('int_lending_aave_v3_dimensions') }}

),

entities as (

    select * from dex_pools
    union all
    select * from tokens
    union all
    select * from price_feeds
    union all
    select * from price_heads
    union all
    select * from lending

),

-- Facts are there only while something of their chain is loaded.
chains as (

    select
        chain_id,
        {{ to_date('min(min_timestamp)') }} as first_date,
        {{ to_date('max(max_timestamp)') }} as last_date
    from {{ ref('int_ledger_live_segments') }}
    group by chain_id

),

current_rows as (

    select
        entities.dimension,
        entities.chain_id,
        entities.entity,
        entities.digest,
        entities.first_timestamp
    from entities
    inner join chains
        on entities.chain_id = chains.chain_id
    where entities.first_timestamp is not null

),

previous as (

    select * from {{ logged_dimensions() }}
    {{ 'where false' if not is_incremental() }}

),

appeared as (

    select
        current_rows.dimension,
        current_rows.chain_id,
        current_rows.entity,
        current_rows.digest,
        current_rows.first_timestamp,
        cast(null as date) as last_date,
        1 as change_sign
    from current_rows
    left outer join previous
        on
            current_rows.dimension = previous.dimension
            and current_rows.chain_id = previous.chain_id
            and current_rows.entity = previous.entity
            and current_rows.digest = previous.digest
    where previous.digest is null

),

ceased as (

    select
        previous.dimension,
        previous.chain_id,
        previous.entity,
        previous.digest,
        previous.first_timestamp,
        previous.last_date,
        -1 as change_sign
    from previous
    left outer join current_rows
        on
            previous.dimension = current_rows.dimension
            and previous.chain_id = current_rows.chain_id
            and previous.entity = current_rows.entity
            and previous.digest = current_rows.digest
    where current_rows.digest is null

),

changes as (

    select * from appeared
    union all
    select * from ceased

),

-- Without anything of its chain an entity has no days, but those on which it ceased to have some.
dated as (

    select
        changes.*,
        coalesce(chains.first_date, changes.last_date) as chain_first_date,
        coalesce(chains.last_date, changes.last_date) as chain_last_date
    from changes
    left outer join chains
        on changes.chain_id = chains.chain_id

),

final as (

    select
        dated.dimension,
        dated.chain_id,
        dated.entity,
        dated.digest,
        greatest({{ to_date('dated.first_timestamp') }}, dated.chain_first_date) as first_date,
        greatest(dated.chain_last_date, coalesce(dated.last_date, dated.chain_last_date))
            as last_date,
        dated.first_timestamp,
        dated.change_sign,
        {{ last_build(this) if is_incremental() else 0 }} + 1 as build_number
    from dated

)

select * from final

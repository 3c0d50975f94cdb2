-- What of one load owns the same blocks is one row, whatever it asked for: a row or two of each load.
{{
    config(
        cluster_by = ['chain_id', 'from_block'],
    )
}}

with

filter_classes as (

    select * from {{ ref('int_ledger_filter_classes') }}

),

combined as (

    select
        chain_id,
        load_id,
        from_block,
        to_block,
        finality,
        min_timestamp,
        max_timestamp,
        to_timestamp,
        string_agg(filter_class, ',' order by filter_class) as classes
    from {{ ref('int_ledger_class_segments') }}
    group by
        chain_id,
        load_id,
        from_block,
        to_block,
        finality,
        min_timestamp,
        max_timestamp,
        to_timestamp

),

combinations as (

    select distinct
        chain_id,
        classes
    from combined

),

-- By its filters, not by the classes: these are others as soon as one filter is asked for apart from the rest.
filter_sets as (

    select
        combinations.chain_id,
        combinations.classes,
        {{ dbt.hash(
            "string_agg(concat(filter_classes.family, '/', filter_classes.role, '/', filter_classes.event, '/',"
            ~ " filter_classes.contract_address), ','"
            ~ " order by filter_classes.family, filter_classes.role, filter_classes.event,"
            ~ " filter_classes.contract_address)"
        ) }} as filter_set,
        concat(
            ',',
            string_agg(distinct filter_classes.family, ',' order by filter_classes.family),
            ','
        ) as families
    from combinations
    inner join filter_classes
        on
            combinations.chain_id = filter_classes.chain_id
            and strpos(combinations.classes, filter_classes.filter_class) > 0
    group by combinations.chain_id, combinations.classes

),

final as (

    select
        combined.chain_id,
        filter_sets.filter_set,
        filter_sets.families,
        combined.load_id,
        combined.from_block,
        combined.to_block,
        combined.finality,
        combined.min_timestamp,
        combined.max_timestamp,
        combined.to_timestamp
    from combined
    inner join filter_sets
        on
            combined.chain_id = filter_sets.chain_id
            and combined.classes = filter_sets.classes

)

select * from final

-- eMode category and collateral flags of each account that was asked at a pinned block, beside those of the models.
with

points as (

    select * from {{ ref('int_lending_aave_v3_points') }}
    where is_pinned

),

flags as (

    select * from {{ ref('int_lending_aave_v3_collateral_flags') }}

),

emodes as (

    select * from {{ ref('int_lending_aave_v3_account_emodes') }}

),

reads as (

    select
        points.chain_id,
        points.market_address,
        points.as_of_block,
        reads.function_name,
        {{ json_array_item('reads.arguments', 0) }} as argument,
        reads.value,
        reads.output
    from {{ ref('stg_poolhouse__contract_reads') }} as reads
    inner join points
        on
            reads.chain_id = points.chain_id
            and reads.contract_address = points.market_address
            and reads.block_number = points.as_of_block
    where
        reads.status = 'ok'
        and reads.function_name in ('getUserEMode', 'getUserConfiguration', 'getReserveData')

),

-- The contract keeps two bits per reserve, hence two reserves per hex digit, by the number it gave the reserve.
reserves as (

    select
        chain_id,
        market_address,
        as_of_block,
        argument as token_address,
        cast({{ json_array_item('value', 7) }} as int64) as reserve_number
    from reads
    where function_name = 'getReserveData'

),

read_flags as (

    select
        reads.chain_id,
        reads.market_address,
        reads.as_of_block,
        reads.argument as account_address,
        reserves.token_address,
        mod(
            {{ int_div(
                hex_to_int('substr(reads.output, 66 - cast(' ~ int_div('reserves.reserve_number', 2)
                ~ ' as int64), 1)'),
                'case mod(reserves.reserve_number, 2) when 0 then 2 else 8 end'
            ) }},
            2
        ) = 1 as is_collateral
    from reads
    inner join reserves
        on
            reads.chain_id = reserves.chain_id
            and reads.market_address = reserves.market_address
            and reads.as_of_block = reserves.as_of_block
    where reads.function_name = 'getUserConfiguration'

),

final as (

    select
        reads.chain_id,
        reads.market_address,
        reads.as_of_block as block_number,
        reads.argument as account_address,
        'eMode' as setting,
        reads.value as read_value,
        {{ int_to_text('coalesce(emodes.emode_category_id, 0)') }} as modelled_value
    from reads
    left outer join emodes
        on
            reads.chain_id = emodes.chain_id
            and reads.market_address = emodes.market_address
            and reads.argument = emodes.account_address
            and {{ holds_at('emodes', 'reads') | indent(12) }}
    where reads.function_name = 'getUserEMode'
    union all
    select
        read_flags.chain_id,
        read_flags.market_address,
        read_flags.as_of_block as block_number,
        read_flags.account_address,
        read_flags.token_address as setting,
        case when read_flags.is_collateral then 'collateral' else 'none' end as read_value,
        case when coalesce(flags.is_collateral, false) then 'collateral' else 'none' end
            as modelled_value
    from read_flags
    left outer join flags
        on
            read_flags.chain_id = flags.chain_id
            and read_flags.market_address = flags.market_address
            and read_flags.token_address = flags.token_address
            and read_flags.account_address = flags.account_address
            and {{ holds_at('flags', 'read_flags') | indent(12) }}

)

select * from final

-- Per chain the last block up to which both the lending logs and the oracles' answers are loaded, and its time.
with

family_heads as (

    select * from {{ ref('int_ledger_heads') }}
    where family in ('aave_v3', 'chainlink')

),

blocks as (

    select * from {{ ref('stg_poolhouse__blocks') }}

),

joint_heads as (

    select
        chain_id,
        min(head_block) as as_of_block
    from family_heads
    group by chain_id

),

final as (

    select
        joint_heads.chain_id,
        joint_heads.as_of_block,
        min(coalesce(blocks.block_timestamp, family_heads.head_timestamp)) as as_of_timestamp
    from joint_heads
    inner join family_heads
        on
            joint_heads.chain_id = family_heads.chain_id
            and joint_heads.as_of_block = family_heads.head_block
    left outer join blocks
        on
            joint_heads.chain_id = blocks.chain_id
            and joint_heads.as_of_block = blocks.block_number
    group by joint_heads.chain_id, joint_heads.as_of_block

)

select * from final

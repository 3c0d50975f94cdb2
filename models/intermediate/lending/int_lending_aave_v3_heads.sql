-- Per chain the last block up to which both the lending logs and the oracles' answers are loaded, and its time.
with

family_heads as (

    select * from {{ ref('int_ledger_heads') }}
    where family in ('aave_v3', 'chainlink')

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
        min(family_heads.head_timestamp) as as_of_timestamp
    from joint_heads
    inner join family_heads
        on
            joint_heads.chain_id = family_heads.chain_id
            and joint_heads.as_of_block = family_heads.head_block
    group by joint_heads.chain_id, joint_heads.as_of_block

)

select * from final

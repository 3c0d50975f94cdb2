{#- CTEs that end in `checked`: the liquidity that each swap states against the sum of the positions in range. Expects
    the CTEs `states` and `crossings`; `pool` is the column that identifies a pool. -#}
{% macro swap_liquidity_checks(pool) -%}
changes as (

    select
        states.chain_id,
        states.{{ pool }},
        states.block_number,
        states.log_index,
        states.event_name,
        states.stated_liquidity_raw,
        states.in_range_delta_raw + coalesce(crossings.crossed_delta_raw, {{ exact_int('0') }})
            as active_delta_raw
    from states
    left outer join crossings
        on
            states.chain_id = crossings.chain_id
            and states.{{ pool }} = crossings.{{ pool }}
            and states.block_number = crossings.block_number
            and states.log_index = crossings.log_index

),

summed as (

    select
        chain_id,
        {{ pool }},
        block_number,
        log_index,
        event_name,
        stated_liquidity_raw,
        sum(active_delta_raw) over (
            partition by chain_id, {{ pool }}
            order by block_number, log_index
            rows between unbounded preceding and current row
        ) as summed_liquidity_raw
    from changes

),

checked as (

    select
        chain_id,
        {{ pool }} as entity,
        block_number,
        log_index,
        {{ int_to_text('summed_liquidity_raw') }} as expected_value,
        {{ int_to_text('stated_liquidity_raw') }} as actual_value,
        not coalesce(summed_liquidity_raw = stated_liquidity_raw, false) as is_failed
    from summed
    where event_name = 'swap'

)
{%- endmacro %}

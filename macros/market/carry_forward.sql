{#- CTEs that end in `carried`: every row of `prices` (one per chain_id, token_address and price_hour) at each hour for
    which it holds, `carried_hour`: from its own until the token's next, and no longer than `last_hour`, an expression
    of its columns. -#}
{% macro carry_forward(prices, last_hour) -%}
followed as (

    select
        *,
        {{ last_hour }} as last_hour,
        lead(price_hour) over (
            partition by chain_id, token_address
            order by price_hour
        ) as next_hour
    from {{ prices }}

),

bounded as (

    select
        *,
        case
            when next_hour <= last_hour then next_hour - interval 1 hour
            else last_hour
        end as carried_until
    from followed

),

carried as (

    select
        bounded.*,
        cast(hours.hour_start as {{ dbt.type_timestamp() }}) as carried_hour
    from bounded
    cross join {{ unnest_hours('bounded.price_hour', 'bounded.carried_until') }}

)
{%- endmacro %}

{#- Interest factors of Aave V3 up to pool revision 7 (3.3), in RAY. `rate` in RAY per year and `seconds` are
    exact-integer columns. Exact for rates up to 1.7e29 (17,000 % a year) and 1e9 seconds (31 years); NULL outside. -#}

{% macro aave_interest_in_range(rate, seconds) -%}
    {{ rate }} between 0 and {{ exact_int('170000000000000000000000000000') }}
    and {{ seconds }} between 0 and 1000000000
{%- endmacro %}

{#- Supply side: linear, 1 + rate * seconds / year. -#}
{% macro aave_linear_interest(rate, seconds) -%}
    case
        when {{ aave_interest_in_range(rate, seconds) }}
            then {{ ray() }} + {{ int_div(rate ~ ' * ' ~ seconds, 31536000) }}
    end
{%- endmacro %}

{#- Debt side: three terms of the binomial expansion. `rate_squared` = ray_mul(rate, rate) and
    `rate_cubed` = ray_mul(aave_rate_power_2(rate_squared), rate), columns computed beforehand. -#}
{% macro aave_compounded_interest(rate, rate_squared, rate_cubed, seconds) -%}
    case
        when {{ aave_interest_in_range(rate, seconds) }} and {{ seconds }} = 0 then {{ ray() }}
        when {{ aave_interest_in_range(rate, seconds) }} then
            {{ ray() }}
            + {{ int_div(rate ~ ' * ' ~ seconds, 31536000) }}
            + {{ int_div(
                seconds ~ ' * (' ~ seconds ~ ' - 1) * ' ~ aave_rate_power_2(rate_squared), 2
            ) }}
            + {{ int_div(
                seconds ~ ' * (' ~ seconds ~ ' - 1) * greatest(' ~ seconds ~ ' - 2, 0) * '
                ~ int_div(rate_cubed, 31536000), 6
            ) }}
    end
{%- endmacro %}

{#- Squared yearly rate per squared second. -#}
{% macro aave_rate_power_2(rate_squared) -%}
    {{ int_div(rate_squared, exact_int('994519296000000')) }}
{%- endmacro %}

{#- Yearly rate compounded every second, from the simple one; float64 fractions. (1 + apr / year) ^ year - 1 would
    keep half of the digits of a small rate: this is exp(2h) - 1 = 2 exp(h) sinh(h), with h half of
    year * ln(1 + apr / year) by its series, whose next term is below 1e-16. -#}
{% macro aave_apy(apr) -%}
    {%- set per_second = '(' ~ apr ~ ' / 31536000)' -%}
    {%- set half = apr ~ ' / 2 * (1 - ' ~ per_second ~ ' / 2 + ' ~ per_second ~ ' * ' ~ per_second ~ ' / 3)' -%}
    2 * exp({{ half }}) * sinh({{ half }})
{%- endmacro %}

{#- CTEs `rate_squares` to `interest_factors`: the rows of `relation` (columns liquidity_rate_raw,
    variable_borrow_rate_raw, elapsed_s) with income_factor_raw and debt_factor_raw, the growth of each index in RAY.
    The powers are columns of their own because the ray macros repeat what they are given. -#}
{% macro aave_interest_factors(relation) -%}
rate_squares as (

    select
        *,
        {{ ray_mul('variable_borrow_rate_raw', 'variable_borrow_rate_raw') | indent(8) }} as rate_squared
    from {{ relation }}

),

rate_powers as (

    select
        *,
        {{ aave_rate_power_2('rate_squared') }} as rate_power_2
    from rate_squares

),

rate_cubes as (

    select
        *,
        {{ ray_mul('rate_power_2', 'variable_borrow_rate_raw') | indent(8) }} as rate_cubed
    from rate_powers

),

interest_factors as (

    select
        *,
        {{ aave_linear_interest('liquidity_rate_raw', 'elapsed_s') }} as income_factor_raw,
        {{ aave_compounded_interest(
            'variable_borrow_rate_raw', 'rate_squared', 'rate_cubed', 'elapsed_s'
        ) | indent(8) }} as debt_factor_raw
    from rate_cubes

)
{%- endmacro %}

{#- Whole seconds from one timestamp to another, as an exact integer. -#}
{% macro aave_elapsed(from_timestamp, to_timestamp) -%}
    cast({{ unix_seconds(to_timestamp) }} - {{ unix_seconds(from_timestamp) }} as {{ type_exact_int() }})
{%- endmacro %}

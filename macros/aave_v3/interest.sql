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

{#- Yearly rate compounded every second, from the simple one; float64 fractions. -#}
{% macro aave_apy(apr) -%}
    power(1 + {{ apr }} / 31536000, 31536000) - 1
{%- endmacro %}

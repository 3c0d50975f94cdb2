{#- Interest factors of Aave V3 up to pool revision 7 (3.3), in RAY. `rate` in RAY per year and `seconds`
    are exact-integer columns. -#}

{#- Supply side: linear, 1 + rate * seconds / year. -#}
{% macro aave_linear_interest(rate, seconds) -%}
    ({{ ray() }} + {{ int_div(rate ~ ' * ' ~ seconds, 31536000) }})
{%- endmacro %}

{#- Debt side: three terms of the binomial expansion. `rate_squared` = ray_mul(rate, rate) and
    `rate_cubed` = ray_mul(aave_rate_power_2(rate_squared), rate), columns computed beforehand. -#}
{% macro aave_compounded_interest(rate, rate_squared, rate_cubed, seconds) -%}
    case
        when {{ seconds }} = 0 then {{ ray() }}
        else
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

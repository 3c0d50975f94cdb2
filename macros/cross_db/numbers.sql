{#- Value of `expression` as `type`, NULL where it does not fit. -#}
{% macro try_cast(expression, type) -%}
    {{ return(adapter.dispatch('try_cast', 'poolhouse')(expression, type)) }}
{%- endmacro %}

{% macro default__try_cast(expression, type) -%}
    try_cast({{ expression }} as {{ type }})
{%- endmacro %}

{% macro bigquery__try_cast(expression, type) -%}
    safe_cast({{ expression }} as {{ type }})
{%- endmacro %}

{#- Integer division that floors, of non-negative exact integers; NULL when the denominator is 0. -#}
{% macro int_div(numerator, denominator) -%}
    {{ return(adapter.dispatch('int_div', 'poolhouse')(numerator, denominator)) }}
{%- endmacro %}

{% macro default__int_div(numerator, denominator) -%}
    (({{ numerator }}) // ({{ denominator }}))
{%- endmacro %}

{% macro bigquery__int_div(numerator, denominator) -%}
    floor(cast({{ numerator }} as bignumeric) / nullif(cast({{ denominator }} as bignumeric), 0))
{%- endmacro %}

{#- Integer division towards zero of an exact integer by a power of ten up to 1e19, the counterpart of mod(). -#}
{% macro truncated_quotient(numerator, power_of_ten) -%}
    {{ return(adapter.dispatch('truncated_quotient', 'poolhouse')(numerator, power_of_ten)) }}
{%- endmacro %}

{% macro default__truncated_quotient(numerator, power_of_ten) -%}
    (({{ numerator }}) // ({{ power_of_ten }}))
{%- endmacro %}

{% macro bigquery__truncated_quotient(numerator, power_of_ten) -%}
    trunc(cast({{ numerator }} as bignumeric) / {{ power_of_ten }})
{%- endmacro %}

{#- An exact integer as decimal text, the same on both engines. -#}
{% macro int_to_text(expression) -%}
    cast({{ expression }} as {{ dbt.type_string() }})
{%- endmacro %}

{#- Ten to the power of an integer column between 0 and 38, as an exact integer; NULL outside. -#}
{% macro pow10(exponent) -%}
    case
        when {{ exponent }} between 0 and 38
            then cast(
                concat('1', repeat('0', cast({{ exponent }} as {{ dbt.type_bigint() }})))
                as {{ type_exact_int() }}
            )
    end
{%- endmacro %}

{#- Float quotient, NULL when the denominator is zero. -#}
{% macro safe_ratio(numerator, denominator) -%}
    cast({{ numerator }} as {{ type_float64() }})
    / nullif(cast({{ denominator }} as {{ type_float64() }}), 0)
{%- endmacro %}

{#- A float up to 1e19, rounded half away from zero to NUMERIC(38, 9). Each engine's own cast rounds otherwise: one the
    float times 1e9, a tie to the even digit, the other the exact value of the float. -#}
{% macro float_to_decimal(expression) -%}
    {{ return(adapter.dispatch('float_to_decimal', 'poolhouse')(expression)) }}
{%- endmacro %}

{% macro default__float_to_decimal(expression) -%}
    cast(
        cast(round(({{ expression }}) * 1e9) as decimal(29, 0)) * cast('0.000000001' as decimal(9, 9))
        as decimal(38, 9)
    )
{%- endmacro %}

{% macro bigquery__float_to_decimal(expression) -%}
    cast(round(({{ expression }}) * 1e9) as numeric) / 1000000000
{%- endmacro %}

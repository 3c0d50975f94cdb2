{#- Fixed-point arithmetic as the contracts do it: RAY = 1e27, WAD = 1e18, percentages in 1e-4, all rounded
    half up. Exact for non-negative exact integers with a <= 1.7e32 and b <= 1.7e29 (ray_div: a / b < 1e11); NULL
    outside, so that an overflow is a visible gap and never a wrong number or a failed build.
    Pass columns, not expressions: they are repeated. -#}

{% macro ray() -%} {{ exact_int('1000000000000000000000000000') }} {%- endmacro %}

{% macro ray_mul(a, b) -%}
    {{ return(adapter.dispatch('ray_mul', 'poolhouse')(a, b)) }}
{%- endmacro %}

{#- 256-bit products do not fit a HUGEINT: multiply by limbs of b, carrying in base 1e6. -#}
{% macro default__ray_mul(a, b) -%}
    {%- set fraction = "(" ~ b ~ " % " ~ ray() ~ ")" -%}
    case
        when {{ in_ray_range(a, b) }} then
            {{ a }} * ({{ b }} // {{ ray() }})
            + (
                {{ a }} * ({{ fraction }} // {{ exact_int('1000000000000000000000000') }})
                + (
                    {{ a }} * (({{ fraction }} // {{ exact_int('1000000000000000000') }}) % 1000000)
                    + (
                        {{ a }} * (({{ fraction }} // 1000000000000) % 1000000)
                        + (
                            {{ a }} * (({{ fraction }} // 1000000) % 1000000)
                            + ({{ a }} * ({{ fraction }} % 1000000)) // 1000000
                        ) // 1000000
                    ) // 1000000
                ) // 1000000
                + 500
            ) // 1000
    end
{%- endmacro %}

{#- b * 1e-27 is exact in BIGNUMERIC's 38 decimals, and so is its product with an integer. -#}
{% macro bigquery__ray_mul(a, b) -%}
    case
        when {{ in_ray_range(a, b) }}
            then round(cast({{ a }} as bignumeric) * (cast({{ b }} as bignumeric) * bignumeric '1e-27'))
    end
{%- endmacro %}

{% macro ray_div(a, b) -%}
    {{ return(adapter.dispatch('ray_div', 'poolhouse')(a, b)) }}
{%- endmacro %}

{#- Long division, nine decimal digits at a time. -#}
{% macro default__ray_div(a, b) -%}
    {%- set billion = '1000000000' -%}
    {%- set r1 = "((" ~ a ~ " % " ~ b ~ ") * " ~ billion ~ ")" -%}
    {%- set r2 = "((" ~ r1 ~ " % " ~ b ~ ") * " ~ billion ~ ")" -%}
    {%- set r3 = "((" ~ r2 ~ " % " ~ b ~ ") * " ~ billion ~ ")" -%}
    case
        when {{ b }} > 0 and {{ in_ray_range(a, b) }} and {{ a }} // {{ b }} < 100000000000 then
            (
                (({{ a }} // {{ b }}) * {{ billion }} + {{ r1 }} // {{ b }}) * {{ billion }}
                + {{ r2 }} // {{ b }}
            ) * {{ billion }}
            + ({{ r3 }} + {{ b }} // 2) // {{ b }}
    end
{%- endmacro %}

{#- The quotient is a multiple of 1/b with b < 1e30, so rounding it at 38 decimals cannot cross a half. -#}
{% macro bigquery__ray_div(a, b) -%}
    case
        when
            {{ b }} > 0 and {{ in_ray_range(a, b) }} and {{ int_div(a, b) }} < 100000000000
            then round(cast({{ a }} as bignumeric) / (cast({{ b }} as bignumeric) * bignumeric '1e-27'))
    end
{%- endmacro %}

{% macro in_ray_range(a, b) -%}
    {{ a }} between 0 and {{ exact_int('170000000000000000000000000000000') }}
    and {{ b }} between 0 and {{ exact_int('170000000000000000000000000000') }}
{%- endmacro %}

{#- value * per_ten_thousand / 10000, half up, of value <= 1e33 and per_ten_thousand <= 1e5; NULL outside. -#}
{% macro percent_mul(value, per_ten_thousand) -%}
    case
        when
            {{ value }} between 0 and {{ exact_int('1000000000000000000000000000000000') }}
            and {{ per_ten_thousand }} between 0 and 100000
            then {{ int_div(value ~ ' * ' ~ per_ten_thousand ~ ' + 5000', 10000) }}
    end
{%- endmacro %}

{#- a / b in WAD, half up, of a and b <= 1.7e20; NULL outside and when b is 0. -#}
{% macro wad_div(a, b) -%}
    case
        when
            {{ a }} between 0 and {{ exact_int('170000000000000000000') }}
            and {{ b }} between 1 and {{ exact_int('170000000000000000000') }}
            then {{ int_div(
                a ~ ' * ' ~ exact_int('1000000000000000000') ~ ' + ' ~ int_div(b, 2), b
            ) }}
    end
{%- endmacro %}

{#- value * 10000 / per_ten_thousand, half up, of value <= 1e33 and per_ten_thousand <= 1e5; NULL outside. -#}
{% macro percent_div(value, per_ten_thousand) -%}
    case
        when
            {{ value }} between 0 and {{ exact_int('1000000000000000000000000000000000') }}
            and {{ per_ten_thousand }} between 1 and 100000
            then {{ int_div(
                value ~ ' * 10000 + ' ~ int_div(per_ten_thousand, 2), per_ten_thousand
            ) }}
    end
{%- endmacro %}

{#- Sign of a * b - c * d, exactly: -1, 0 or 1. For integers from 0 to 1.7e38, NULL outside: their products fit
    neither engine. Each is cut into limbs of 13 digits; the difference, a number in base 1e13, is folded from its
    highest digit. A part so large that lower digits cannot turn its sign is cut off, so that everything stays below
    1e28. Pass columns, not expressions: they are repeated. -#}
{% macro compare_products(a, b, c, d) -%}
    {%- set folded = namespace(sql=product_difference_digit(a, b, c, d, 4)) -%}
    {%- for digit in [3, 2, 1, 0] -%}
        {%- set folded.sql -%}
            greatest(
                least({{ folded.sql }}, {{ exact_int('100000000000000') }}),
                {{ exact_int('-100000000000000') }}
            ) * {{ exact_int('10000000000000') }}
            + ({{ product_difference_digit(a, b, c, d, digit) }})
        {%- endset -%}
    {%- endfor -%}
    case
        when
            {%- for factor in [a, b, c, d] %}
            {{ factor }} between 0 and {{ exact_int(max_exact_int()) }}
            {{ 'and' if not loop.last }}
            {%- endfor %}
            then cast(sign({{ folded.sql }}) as int64)
    end
{%- endmacro %}

{#- Digit of a * b - c * d in base 1e13, carries left in it: within 1e27 either way. -#}
{% macro product_difference_digit(a, b, c, d, digit) -%}
    {%- set left, right = [], [] -%}
    {%- for limb in range(3) if 0 <= digit - limb <= 2 -%}
        {%- do left.append(limb_13(a, limb) ~ ' * ' ~ limb_13(b, digit - limb)) -%}
        {%- do right.append(limb_13(c, limb) ~ ' * ' ~ limb_13(d, digit - limb)) -%}
    {%- endfor -%}
    {{ left | join(' + ') }} - ({{ right | join(' + ') }})
{%- endmacro %}

{#- Limb 0 (lowest) to 2 of a non-negative exact integer in base 1e13. -#}
{% macro limb_13(value, limb) -%}
    {%- set base = exact_int('10000000000000') -%}
    {%- if limb == 0 -%}
        mod({{ value }}, {{ base }})
    {%- elif limb == 1 -%}
        mod({{ int_div(value, base) }}, {{ base }})
    {%- else -%}
        {{ int_div(value, exact_int('100000000000000000000000000')) }}
    {%- endif -%}
{%- endmacro %}

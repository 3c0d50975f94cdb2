{#- Sign of a * b - c * d, exactly: -1, 0 or 1. For integers from 0 to 1.7e38, NULL outside: their products fit
    neither engine. Each is cut into limbs of 13 digits; the difference, a number in base 1e13, is folded from its
    highest digit. A part so large that lower digits cannot turn its sign is cut off, so that everything stays below
    1e28. Pass columns, not expressions: they are repeated. -#}
{% macro compare_products(a, b, c, d) -%}
    {{ product_difference_sign(product_difference_head(a, b, c, d), a, b, c, d) }}
{%- endmacro %}

{#- The fold down to digit 2. A query that makes it a column of its own stays shallow enough for every analyzer. -#}
{% macro product_difference_head(a, b, c, d) -%}
    {{ fold_digit(
        fold_digit(product_difference_digit(a, b, c, d, 4), product_difference_digit(a, b, c, d, 3)),
        product_difference_digit(a, b, c, d, 2)
    ) }}
{%- endmacro %}

{#- -1, 0 or 1 from that head and the two digits below it. -#}
{% macro product_difference_sign(head, a, b, c, d) -%}
    case
        when
            {%- for factor in [a, b, c, d] %}
            {{ factor }} between 0 and {{ exact_int(max_exact_int()) }}
            {{ 'and' if not loop.last }}
            {%- endfor %}
            then cast(sign({{ fold_digit(
                fold_digit(head, product_difference_digit(a, b, c, d, 1)),
                product_difference_digit(a, b, c, d, 0)
            ) }}) as int64)
    end
{%- endmacro %}

{#- `head` with one more digit in base 1e13, cut off where lower digits cannot turn its sign. -#}
{% macro fold_digit(head, digit) -%}
    greatest(
        least({{ head }}, {{ exact_int('100000000000000') }}), {{ exact_int('-100000000000000') }}
    ) * {{ exact_int('10000000000000') }}
    + ({{ digit }})
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

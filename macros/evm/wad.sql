{#- a * b / 1e18, rounded down, of 0 <= a <= 1e29 and 0 <= b <= 1e26; NULL outside. Products do not fit an exact integer:
    the digits of b below 1e18 are multiplied in two halves. Pass columns, not expressions: they are repeated. -#}
{% macro wad_mul_down(a, b) -%}
    {%- set whole = int_div(b, exact_int('1000000000000000000')) -%}
    {%- set rest = '(' ~ b ~ ' - ' ~ whole ~ ' * ' ~ exact_int('1000000000000000000') ~ ')' -%}
    {%- set high = int_div(rest, 1000000000) -%}
    {%- set low = '(' ~ rest ~ ' - ' ~ high ~ ' * 1000000000)' -%}
    case
        when
            {{ a }} between 0 and {{ exact_int('100000000000000000000000000000') }}
            and {{ b }} between 0 and {{ exact_int('100000000000000000000000000') }}
            then
                {{ a }} * {{ whole }}
                + {{ int_div(
                    a ~ ' * ' ~ high ~ ' + ' ~ int_div(a ~ ' * ' ~ low, 1000000000), 1000000000
                ) }}
    end
{%- endmacro %}

{#- Decimal text of a chain integer as an exact integer; NULL beyond |x| = 1.7e38, the ceiling that
    BIGNUMERIC and HUGEINT share, so that NULLs agree between engines. -#}
{% macro to_exact_int(text) -%}
    case
        when
            {{ try_cast(text, type_exact_int()) }}
            between {{ exact_int('-' ~ max_exact_int()) }} and {{ exact_int(max_exact_int()) }}
            then {{ try_cast(text, type_exact_int()) }}
    end
{%- endmacro %}

{#- Largest absolute value of an exact integer, as digits. -#}
{% macro max_exact_int() -%} 170000000000000000000000000000000000000 {%- endmacro %}

{#- An exact-integer literal of any size up to the ceiling. -#}
{% macro exact_int(digits) -%}
    cast('{{ digits }}' as {{ type_exact_int() }})
{%- endmacro %}

{#- True where the text is an integer that the exact type cannot hold. -#}
{% macro is_overflow(text) -%}
    ({{ text }} is not null and {{ to_exact_int(text) }} is null)
{%- endmacro %}

{#- Human units of a raw integer amount: float64, NULL without decimals. -#}
{% macro to_human(raw_amount, decimals) -%}
    cast({{ raw_amount }} as {{ type_float64() }})
    / power(cast(10 as {{ type_float64() }}), {{ decimals }})
{%- endmacro %}

{#- a + b of non-negative exact integers; NULL beyond the ceiling, where a plain sum would stop the build. -#}
{% macro bounded_sum(a, b) -%}
    case when {{ a }} <= {{ exact_int(max_exact_int()) }} - {{ b }} then {{ a }} + {{ b }} end
{%- endmacro %}

{#- Sum of an exact integer over a group, signs allowed. NULL where one of them is NULL (a sum of the others would be a
    wrong number) and where the sum lies beyond the ceiling: anyone can emit logs whose amounts would overflow a plain
    sum and stop the build. Halves of 18 digits are summed apart. `window` names the query's window for a running sum. -#}
{% macro sum_of_all(expression, window=none) -%}
    {%- set over = ' over ' ~ window if window else '' -%}
    {%- set half = exact_int('1000000000000000000') -%}
    {%- set high = 'sum(' ~ truncated_quotient(expression, half) ~ ')' ~ over -%}
    case
        when
            count(*){{ over }} = count({{ expression }}){{ over }}
            and abs({{ high }}) < {{ exact_int('169999999999000000000') }}
            then {{ high }} * {{ half }} + sum(mod({{ expression }}, {{ half }})){{ over }}
    end
{%- endmacro %}

{#- True where the text is the one decimal form of an integer of at most 256 bits, and the exact type gives it back
    wherever it can hold it (38 digits always fit). -#}
{% macro is_canonical_integer(text) -%}
    coalesce(
        {{ matches_pattern(text, '^(0|-?[1-9][0-9]{0,77})$') }}
        and (
            length(replace({{ text }}, '-', '')) > 38
            or {{ int_to_text(to_exact_int(text)) }} = {{ text }}
        ),
        false
    )
{%- endmacro %}

{#- True where one of the columns of `relation`, integers as text, is not in its canonical form. -#}
{% macro has_corrupt_integer(relation, columns) -%}
    case
        when
            {% for column in columns -%}
            {{ 'and ' if not loop.first }}{{ is_canonical_integer(relation ~ '.' ~ column) }}
            {% endfor -%}
            then false
        else true
    end
{%- endmacro %}

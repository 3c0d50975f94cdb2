{#- Value of a raw token amount in the oracle's base currency, floored as the contracts do:
    amount * price / 10^decimals. NULL where the product exceeds the exact range. Columns only. -#}
{% macro aave_base_value(amount, price, token_unit) -%}
    case
        when {{ amount }} = 0 then {{ exact_int(0) }}
        when {{ price }} <= {{ int_div(exact_int(max_exact_int()), 'nullif(' ~ amount ~ ', 0)') }}
            then {{ int_div(amount ~ ' * ' ~ price, token_unit) }}
    end
{%- endmacro %}

{#- US dollars of an amount in base currency units, rounded once to NUMERIC(38, 9). `base_unit` is the oracle's
    (1e8), NULL where the base currency is not the dollar. NULL for a unit of 0, amounts beyond 1e26 and 1e19 dollars
    or more. -#}
{% macro aave_base_to_usd(amount_base, base_unit) -%}
    case
        when
            {{ amount_base }} between 0 and {{ exact_int('100000000000000000000000000') }}
            and {{ int_div(amount_base, base_unit) }} < {{ exact_int('10000000000000000000') }}
            then {{ adapter.dispatch('aave_base_to_usd', 'poolhouse')(amount_base, base_unit) }}
    end
{%- endmacro %}

{#- decimal(29, 0) * decimal(9, 9) is an exact decimal(38, 9); a bare `/` would be a double. -#}
{% macro default__aave_base_to_usd(amount_base, base_unit) -%}
    cast(
        try_cast(
            ({{ amount_base }} * 1000000000 + {{ base_unit }} // 2) // {{ base_unit }}
            as decimal(29, 0)
        ) * cast(0.000000001 as decimal(9, 9))
        as decimal(38, 9)
    )
{%- endmacro %}

{% macro bigquery__aave_base_to_usd(amount_base, base_unit) -%}
    cast(
        round(cast({{ amount_base }} as bignumeric) / cast({{ base_unit }} as bignumeric), 9)
        as numeric
    )
{%- endmacro %}

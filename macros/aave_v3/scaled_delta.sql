{#- Change of a scaled balance by a Mint or Burn of revisions 1 to 8, from its unscaled amount: rounded half up on
    the absolute value, then signed. `abs_amount` and `index` are exact-integer columns. -#}
{% macro aave_scaled_delta(sign, abs_amount, index) -%}
    {{ sign }} * {{ ray_div(abs_amount, index) }}
{%- endmacro %}

{#- Amounts that their sum cannot overflow: any contract may emit these events, with any numbers. -#}
{% macro aave_is_plausible(value, balance_increase) -%}
    {{ value }} between 0 and {{ exact_int('170000000000000000000000000000000') }}
    and {{ balance_increase }} between 0 and {{ exact_int('170000000000000000000000000000000') }}
{%- endmacro %}

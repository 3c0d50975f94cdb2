{#- View functions whose answers at pinned blocks the lending models must equal. -#}
{% macro aave_reconciled_functions() -%}
    {{ return([
        'getUserAccountData',
        'getReserveData',
        'getReserveNormalizedIncome',
        'getReserveNormalizedVariableDebt',
        'getAssetPrice',
        'scaledTotalSupply',
        'scaledBalanceOf',
    ]) }}
{%- endmacro %}

{#- (function, contract, argument, output number, value) of every number of int_lending_aave_v3_reserve_states that a
    view function states. `data_fields` are the outputs of getReserveData: number -> column. -#}
{% macro aave_modelled_reserve_values(data_fields) -%}
    {%- set values = [
        ('getReserveNormalizedIncome', 'market_address', 'token_address', 0, 'normalized_income_raw'),
        ('getReserveNormalizedVariableDebt', 'market_address', 'token_address', 0, 'normalized_debt_raw'),
        ('getAssetPrice', 'oracle_address', 'token_address', 0, 'price_raw'),
        ('scaledTotalSupply', 'atoken_address', "''", 0, 'scaled_supply_raw'),
        ('scaledTotalSupply', 'variable_debt_token_address', "''", 0, 'scaled_debt_raw'),
    ] -%}
    {%- for field, column in data_fields.items() -%}
        {%- do values.append(('getReserveData', 'market_address', 'token_address', field, column)) -%}
    {%- endfor -%}
    {{ return(values) }}
{%- endmacro %}

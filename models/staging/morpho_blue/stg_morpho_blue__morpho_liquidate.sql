with

live as (

    {{ live_rows(
        'morpho_blue', 'morpho_blue__morpho_liquidate',
        'morpho', 'Liquidate',
    ) | indent(4) }}

),

renamed as (

    select
        {{ log_columns('live') | indent(8) }},
        live.contract_address as morpho_address,
        live.id as market_id,
        live.caller as caller_address,
        live.borrower as account_address,
        {{ to_exact_int('live.repaid_assets') | indent(8) }} as repaid_assets_raw,
        {{ to_exact_int('live.repaid_shares') | indent(8) }} as repaid_shares_raw,
        {{ to_exact_int('live.seized_assets') | indent(8) }} as seized_collateral_raw,
        {{ to_exact_int('live.bad_debt_assets') | indent(8) }} as bad_debt_assets_raw,
        {{ to_exact_int('live.bad_debt_shares') | indent(8) }} as bad_debt_shares_raw
    from live

)

select * from renamed

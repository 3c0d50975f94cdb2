with

live as (

    {{ live_rows(
        'chainlink', 'chainlink__aggregator_answer_updated', 'aggregator', 'AnswerUpdated'
    ) | indent(4) }}

),

renamed as (

    select
        {{ log_columns('live') | indent(8) }},
        live.contract_address as aggregator_address,
        {{ to_exact_int('live.current') | indent(8) }} as answer_raw,
        live.round_id,
        cast(
            {{ from_unix_seconds('cast(live.updated_at as int64)') }} as {{ dbt.type_timestamp() }}
        )
            as updated_at,
        {{ is_overflow('live.current') | indent(8) }} as has_overflow
    from live

)

select * from renamed

"""What the project costs on BigQuery: bytes billed per model and run, estimated from the statements that dbt would send."""

USD_PER_TIB = 6.25
"""On demand, in US and EU, in 2026: https://cloud.google.com/bigquery/pricing. The first TiB of a month is free."""

"""What the project costs on BigQuery: bytes billed per model and run, estimated from the statements that dbt would send."""

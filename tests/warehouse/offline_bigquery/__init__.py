"""dbt's BigQuery build without BigQuery: real adapter, real materialisations, Google's analyzer in place of the service.

The client below answers dbt-bigquery as the service would for empty tables. Every statement that dbt sends (views, table
DDL with contracts, merges, hooks, SQL headers, data tests, unit tests) is resolved and typed by GoogleSQL's analyzer.
"""

"""dbt's BigQuery build without BigQuery: Google's analyzer stands in for the service.

Adapter and materialisations are the real ones. The client here answers them as the service would for empty tables, and
every statement that dbt sends (views, table DDL with contracts, merges, hooks, data tests, unit tests) is resolved and
typed by GoogleSQL's analyzer.
"""

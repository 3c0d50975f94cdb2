"""Google's real clients (google-cloud-bigquery, dlt, dbt-bigquery) end to end, against an emulator on this machine.

The emulator is `local-bigquery`: BigQuery's REST interface over DuckDB. It needs Python 3.13, runs in an environment of its own
(``environment``) and is put right where BigQuery differs (``shims``, ``whole_numbers``). Every query goes through Google's own
analyzer first.
"""

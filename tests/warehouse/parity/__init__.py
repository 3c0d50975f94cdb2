"""Every model runs in Google's reference evaluator on the contents that its parents have in a DuckDB build, and must yield
the rows that the model itself has there.

A model's parents come from DuckDB, not from the evaluation of the parents: a difference is reported where it arises and
nowhere else.
"""

"""Decoding inside BigQuery: SQL from the registry that fills the raw tables from a public dataset of logs.

The same columns, to the character, as the loader's decoder writes; nothing leaves BigQuery, and no node is asked.
"""

"""Readers of logs, ours and others, as scripts with the same arguments: URL, first and last block, and a folder for Parquet.

Others run in environments of their own, which `benchmarks.peers` makes: their imports are not installed here.
"""

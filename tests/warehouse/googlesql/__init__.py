"""Google's own SQL analyzer and reference evaluator (GoogleSQL, the dialect of BigQuery), run offline.

The package ``zetasql`` carries them as WebAssembly. Nothing here reaches BigQuery: what the analyzer accepts resolves
and types as it does there, but limits that only the service enforces (quotas, partition filters, join planning) stay
unseen.
"""

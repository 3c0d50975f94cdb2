"""Into the warehouse: append-only packages by dlt, and the ledger that says which rows count."""

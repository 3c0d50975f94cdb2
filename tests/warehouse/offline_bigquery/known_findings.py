"""Breaches of BigQuery's rules that are known: (node, rule) and why it stands. The list only shrinks."""

_SUM_OF_CHANGES = (
    "what stands is the sum of all changes ever logged: the log reads itself whole, of a few narrow columns"
)

KNOWN: dict[tuple[str, str], str] = {
    ("int_ledger_changes", "unpruned-read"): _SUM_OF_CHANGES,
    ("int_dimension_changes", "unpruned-read"): "what was logged last is compared with all that is: current state",
}

"""Breaches of BigQuery's rules that are known: (node, rule) and why it stands. The list only shrinks."""

KNOWN: dict[tuple[str, str], str] = {}

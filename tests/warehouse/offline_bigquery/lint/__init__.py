"""BigQuery's own rules, which Google's analyzer leaves to the service: every statement that dbt sends is held against them.

A rule is a function of one statement that yields what is wrong and how to mend it; its name is the function's, with
dashes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.warehouse.offline_bigquery.lint import clusters, joins, limits, numbers, options, partitions, pruning
from tests.warehouse.offline_bigquery.lint.sent import Sent

Rule = Callable[[Sent], Iterator[str]]

RULES: tuple[Rule, ...] = (
    partitions.partition_expression,
    partitions.partitions_per_table,
    partitions.partitions_per_job,
    clusters.cluster_columns,
    pruning.unpruned_read,
    options.option_names,
    options.description_length,
    options.label_form,
    options.partition_options,
    numbers.numeric_overflow,
    numbers.parameterised_cast,
    joins.outer_join_equality,
    joins.correlated_subquery,
    limits.statement_length,
    limits.referenced_tables,
    limits.view_depth,
    limits.identifiers,
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule says of a statement of a dbt node (its unique id; empty for what no node sent)."""

    node: str
    rule: str
    message: str


def name_of(rule: Rule) -> str:
    """Its name in findings."""
    return rule.__name__.replace("_", "-")


def lint(sent: Sent, node: str) -> Iterator[Finding]:
    """Everything that the rules find in a statement."""
    for rule in RULES:
        for message in rule(sent):
            yield Finding(node, name_of(rule), message)

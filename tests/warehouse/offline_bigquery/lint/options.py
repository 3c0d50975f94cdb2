"""OPTIONS of tables, views and columns.

https://cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language#table_option_list
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from tests.warehouse.googlesql.column_types import type_name
from tests.warehouse.googlesql.tree import field_of, has, kind_of, unwrap
from tests.warehouse.offline_bigquery.lint.sent import Sent

LONGEST_DESCRIPTION = {"table": 16_384, "view": 16_384, "table column": 1_024, "view column": 1_024}
_LABELS = "ARRAY<STRUCT< STRING,  STRING>>"
_SHARED = {
    "expiration_timestamp": "TIMESTAMP",
    "friendly_name": "STRING",
    "description": "STRING",
    "labels": _LABELS,
    "tags": _LABELS,
}
_TABLE_OPTIONS = {
    **_SHARED,
    "partition_expiration_days": "FLOAT64",
    "require_partition_filter": "BOOL",
    "kms_key_name": "STRING",
    "default_rounding_mode": "STRING",
    "enable_change_history": "BOOL",
    "enable_fine_grained_mutations": "BOOL",
    "max_staleness": "INTERVAL",
    "file_format": "STRING",
    "table_format": "STRING",
    "storage_uri": "STRING",
}
OPTIONS = {
    "table": _TABLE_OPTIONS,
    "view": {**_SHARED, "privacy_policy": "JSON"},
    "table column": {
        "description": "STRING",
        "rounding_mode": "STRING",
        "data_policies": "ARRAY<STRING>",
        "data_governance_tags": _LABELS,
    },
    "view column": {"description": "STRING"},
}
_COERCED = {("INT64", "FLOAT64"), ("STRING", "TIMESTAMP"), ("NUMERIC", "FLOAT64"), ("STRING", "JSON")}
_PARTITIONED_ONLY = ("partition_expiration_days", "require_partition_filter")
MOST_LABELS = 64
_LONGEST_LABEL = 63
_KEY = re.compile(r"[^\W\dA-Z_][^\WA-Z]*(?:-[^\WA-Z]*)*")
_VALUE = re.compile(r"(?:[^\WA-Z]|-)*")


def option_names(sent: Sent) -> Iterator[str]:
    """Options that BigQuery has, with values of their types."""
    for owner, subject, option in _options(sent):
        type_ = OPTIONS[owner].get(option.name.lower())
        given = type_name(field_of(unwrap(option.value), "type"))
        if type_ is None:
            yield f"{subject} has no option {option.name}: BigQuery knows {', '.join(sorted(OPTIONS[owner]))}"
        elif given != type_ and (given, type_) not in _COERCED and not _is_null(option.value):
            yield f"{subject}: option {option.name} is {given}, BigQuery wants {type_.replace('  ', ' ')}"


def description_length(sent: Sent) -> Iterator[str]:
    """Descriptions that BigQuery keeps."""
    for owner, subject, option in _options(sent):
        length, most = len(_text(option.value)), LONGEST_DESCRIPTION[owner]
        if option.name.lower() == "description" and length > most:
            yield f"{subject}: the description has {length:,} characters, BigQuery keeps {most:,}: shorten it"


def label_form(sent: Sent) -> Iterator[str]:
    """Labels of at most 63 lower-case letters, digits, dashes and underscores; keys start with a letter, each once."""
    for _, subject, option in _options(sent):
        if option.name.lower() == "labels":
            elements = unwrap(option.value).value.value.array_value.element
            pairs = [[field.string_value for field in element.struct_value.field] for element in elements]
            yield from label_problems(subject, [(key, value) for key, value in pairs])


def label_problems(subject: str, labels: Sequence[tuple[str, str]]) -> Iterator[str]:
    """What BigQuery would refuse of the labels of a table, a view or a job."""
    if len(labels) > MOST_LABELS:
        yield f"{subject} has {len(labels)} labels, BigQuery keeps {MOST_LABELS}: drop those that nobody filters by"
    keys = [key for key, _ in labels]
    for key, value in labels:
        if not _KEY.fullmatch(key) or not _VALUE.fullmatch(value) or max(len(key), len(value)) > _LONGEST_LABEL:
            yield (
                f"{subject}: label {key}={value}: both at most {_LONGEST_LABEL} lower-case letters, digits, dashes and "
                "underscores, the key from a letter on"
            )
        if keys.count(key) > 1:
            yield f"{subject}: label {key} is there twice"


def partition_options(sent: Sent) -> Iterator[str]:
    """Options of partitions on partitioned tables alone."""
    if sent.creates_table and not field_of(sent.tree, "partition_by_list"):
        for _, subject, option in _options(sent):
            if option.name.lower() in _PARTITIONED_ONLY and not _is_null(option.value):
                yield f"{subject}: {option.name} needs PARTITION BY: partition the table or drop the option"


def _options(sent: Sent) -> Iterator[tuple[str, str, Any]]:
    """(owner, its name, option) of what a statement creates."""
    if not sent.creates_table and not sent.creates_view:
        return
    owner = "view" if sent.creates_view else "table"
    for option in field_of(sent.tree, "option_list") or ():
        yield owner, f"{owner} {sent.statement.target}", option
    for column in field_of(sent.tree, "column_definition_list") or ():
        if has(column, "annotations"):
            for option in column.annotations.option_list:
                yield f"{owner} column", f"column {column.name}", option


def _text(value: Any) -> str:
    node = unwrap(value)
    return str(node.value.value.string_value) if kind_of(node) == "Literal" else ""


def _is_null(value: Any) -> bool:
    node = unwrap(value)
    return kind_of(node) == "Literal" and node.value.value.WhichOneof("value") is None

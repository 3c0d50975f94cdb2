"""Types as contracts, registry and seeds write them, by the one name that BigQuery gives them."""

from __future__ import annotations

import pytest

from tests.warehouse.googlesql.column_types import canonical_type


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("string(9)", "STRING"),
        ("numeric(38, 9)", "NUMERIC"),
        ("Float", "FLOAT64"),
        ("array< struct<a int64,\n b numeric(38, 9)> >", "ARRAY<STRUCT<a INT64, b NUMERIC>>"),
    ],
)
def test_a_type_has_one_name(text: str, name: str) -> None:
    assert canonical_type(text) == name


@pytest.mark.parametrize(
    "text", ["", "hugeint", "int64!", "int64 string", "array int64", "struct<a int64", "array<int64>>"]
)
def test_what_bigquery_does_not_know_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a BigQuery type"):
        canonical_type(text)

"""Walk the tree of a resolved statement.

The protocol wraps every node in one message per base class (``AnyResolvedScanProto`` ...) and keeps inherited fields in
embedded ``parent`` messages; here a node is its innermost message and inherited fields are its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_TREE = "resolved_ast.proto"


def unwrap(node: Any) -> Any:
    """The innermost message of a node."""
    while "node" in node.DESCRIPTOR.oneofs_by_name and (field := node.WhichOneof("node")):
        node = getattr(node, field)
    return node


def kind_of(node: Any) -> str:
    """``TableScan``, ``FunctionCall``, ``MergeStmt`` ... of an unwrapped node."""
    name: str = node.DESCRIPTOR.name
    return name.removeprefix("Resolved").removesuffix("Proto")


def field_of(node: Any, name: str) -> Any:
    """A field of a node or of its base classes; None where there is none."""
    while True:
        if name in node.DESCRIPTOR.fields_by_name:
            return getattr(node, name)
        if "parent" not in node.DESCRIPTOR.fields_by_name:
            return None
        node = node.parent


def has(node: Any, name: str) -> bool:
    """Whether an optional child is there."""
    while True:
        if name in node.DESCRIPTOR.fields_by_name:
            return bool(node.HasField(name))
        if "parent" not in node.DESCRIPTOR.fields_by_name:
            return False
        node = node.parent


def children(node: Any) -> Iterator[Any]:
    """The nodes right below an unwrapped node."""
    for field, value in node.ListFields():
        if field.message_type is None or not field.message_type.file.name.endswith(_TREE):
            continue
        if field.name == "parent":
            yield from children(value)
        elif field.is_repeated:
            yield from map(unwrap, value)
        else:
            yield unwrap(value)


def walk(node: Any) -> Iterator[Any]:
    """A node and everything below it."""
    node = unwrap(node)
    yield node
    for child in children(node):
        yield from walk(child)


def function_name(node: Any) -> str:
    """Name of the function that a ``FunctionCall`` calls, without its group: ``$equal``, ``date``; else empty."""
    function = field_of(node, "function")
    return function.name.rsplit(":", 1)[-1].lower() if function is not None else ""


def arguments(node: Any) -> list[Any]:
    """The arguments of a function call."""
    return [unwrap(argument) for argument in field_of(node, "argument_list") or ()]


def conjuncts(expression: Any) -> Iterator[Any]:
    """The conditions that ``and`` joins."""
    expression = unwrap(expression)
    if function_name(expression) == "$and":
        for argument in arguments(expression):
            yield from conjuncts(argument)
    else:
        yield expression


def column_ids(expression: Any) -> set[int]:
    """Ids of the columns that an expression refers to."""
    return {node.column.column_id for node in walk(expression) if kind_of(node) == "ColumnRef"}

"""Split a BigQuery script into statements."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
    (?:r|b|rb|br)?(?:\"\"\".*?\"\"\"|'''.*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
    | `[^`]*`
    | (?P<comment>--[^\n]*|\#[^\n]*|/\*.*?\*/)
    | ;
    | [^;]
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_DECLARE = re.compile(
    r"declare\s+(?P<names>\w+(?:\s*,\s*\w+)*)\s+"
    r"(?P<type>(?:array|struct)\s*<.*?>(?=\s*(?:default\b|$))|\w+(?:\s*\([\d, ]+\))?)"
    r"(?:\s+default\s+(?P<default>.*))?",
    re.IGNORECASE | re.DOTALL,
)
_FUNCTION = re.compile(
    r"create\s+temp(?:orary)?\s+function\s+(?P<name>\w+)\s*\((?P<arguments>[^)]*)\)\s*returns\s+(?P<result>\w+)\s+as\s.*",
    re.IGNORECASE | re.DOTALL,
)
_SET = re.compile(r"set\s+(?P<name>\w+)\s*=\s*(?P<value>.*)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Declaration:
    """``declare names type [default default]``."""

    names: tuple[str, ...]
    type: str
    default: str | None


@dataclass(frozen=True, slots=True)
class TemporaryFunction:
    """``create temp function name(argument type, …) returns result as (…)``."""

    name: str
    arguments: tuple[str, ...]
    """Their types."""
    result: str


@dataclass(frozen=True, slots=True)
class Assignment:
    """``set name = value``."""

    name: str
    value: str


def split_statements(script: str) -> list[str]:
    """The statements of a script, comments blanked out (line breaks stay, so that error positions hold)."""
    statements: list[str] = []
    current: list[str] = []
    for match in _TOKEN.finditer(script):
        if match.group() == ";":
            statements.append("".join(current))
            current = []
        elif match["comment"]:
            current.append(" " + "\n" * match.group().count("\n"))
        else:
            current.append(match.group())
    statements.append("".join(current))
    return [statement.strip() for statement in statements if statement.strip()]


def parse_declaration(statement: str) -> Declaration | None:
    """The declaration that a statement is, or None."""
    match = _DECLARE.fullmatch(statement)
    if match is None:
        return None
    return Declaration(tuple(re.split(r"\s*,\s*", match["names"])), match["type"], match["default"])


def parse_function(statement: str) -> TemporaryFunction | None:
    """The SQL function that a statement creates, or None."""
    match = _FUNCTION.fullmatch(statement)
    if match is None:
        return None
    types = tuple(argument.split()[-1] for argument in match["arguments"].split(",") if argument.strip())
    return TemporaryFunction(match["name"], types, match["result"])


def parse_assignment(statement: str) -> Assignment | None:
    """The assignment to a script variable that a statement is, or None."""
    match = _SET.fullmatch(statement)
    return Assignment(match["name"], match["value"]) if match else None

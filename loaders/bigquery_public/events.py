"""Per event, GoogleSQL that decodes its logs into the columns of its raw table, and tells which logs do not fit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from loaders.bigquery_public.words import fits, value
from loaders.registry.abi import EventAbi, Parameter
from loaders.registry.events import EventSpec
from loaders.registry.schema import ENVELOPE, column_name, column_type, event_columns

ENVELOPE_NAMES = tuple(c.name for c in ENVELOPE)


@dataclass(frozen=True)
class Selected:
    """An event and the contracts whose logs of it are wanted; None: of anyone."""

    spec: EventSpec
    addresses: tuple[str, ...] | None

    @property
    def emitted(self) -> str:
        """A condition on ``contract_address`` and ``topic0``."""
        topic = f"topic0 = '{self.spec.topic0}'"
        return topic if self.addresses is None else f"{topic} and contract_address in ({texts(self.addresses)})"

    @property
    def layouts(self) -> tuple[EventAbi, ...]:
        """Every way to index the parameters that decodes to the event's columns."""
        return (self.spec.abi, *self.spec.layouts)


def is_static(spec: EventSpec) -> bool:
    """Whether SQL decodes it: no string, bytes, array or tuple in its data, and a topic 0 to know it by."""
    return not spec.abi.is_anonymous and all(p.is_static for abi in (spec.abi, *spec.layouts) for p in abi.in_data)


def texts(values: Iterable[str]) -> str:
    return ", ".join(f"'{value}'" for value in values)


def shape(abi: EventAbi) -> str:
    """A condition: as many topics, and as much data where that is fixed, as the layout has."""
    condition = f"topic_count = {1 + len(abi.indexed)}"
    is_fixed = all(p.is_static for p in abi.in_data)
    return f"{condition} and length(data) = {2 + 64 * len(abi.in_data)}" if is_fixed else condition


def fitting(abi: EventAbi) -> str:
    """A condition: the log is an encoding of the layout."""
    words = [(p.type, word) for p, word in _words(abi) if p.is_static]
    conditions = [c for t, w in words if (c := fits(t, w)) != "true"]
    return f"({' and '.join([shape(abi), *conditions])})"


def select_rows(chain_id: int, selected: Selected, abi: EventAbi, logs: str, load_id: str) -> str:
    """Rows of the event's raw table, all columns in order, from the table or query ``logs``."""
    columns = [f"{chain_id} as chain_id", *(n for n in ENVELOPE_NAMES if n != "chain_id")]
    if selected.spec.is_shared:
        columns += [
            f"'{selected.spec.role}' as event_role",
            f"'{selected.spec.event}' as event_name",
            f"{_payload(selected.spec, abi)} as payload",
        ]
    else:
        names = [column_name(p, i) for i, p in enumerate(selected.spec.abi.parameters)]
        columns += [f"{expression} as {name}" for expression, name in zip(_values(abi), names, strict=True)]
    columns.append(f"'{load_id}' as _dlt_load_id")
    listed = ",\n    ".join(columns)
    return f"select\n    {listed}\nfrom {logs}\nwhere {selected.emitted}\n    and {fitting(abi)}"


def column_names(spec: EventSpec) -> tuple[str, ...]:
    """Columns of :func:`select_rows`, in its order."""
    if spec.is_shared:
        return (*ENVELOPE_NAMES, "event_role", "event_name", "payload", "_dlt_load_id")
    return (*(c.name for c in event_columns(spec.abi)), "_dlt_load_id")


def reason(candidates: Sequence[Selected]) -> str:
    """Why a log fits none of the events that share its topic 0, as an expression."""
    layouts = [abi for s in candidates for abi in s.layouts]
    parts = [
        f"if({shape(abi)}, 'a value does not fit {abi.canonical}', 'topics or data size differ from {abi.canonical}')"
        for abi in {abi.canonical: abi for abi in layouts}.values()
    ]
    return (
        parts[0]
        if len(parts) == 1
        else f"array_to_string(array(select distinct r from unnest([{', '.join(parts)}]) as r order by r), '; ')"
    )


def _words(abi: EventAbi) -> list[tuple[Parameter, str]]:
    """Every parameter with the expression of its word: 64 hex digits of a topic or of the data."""
    topic, at, result = 0, 0, []
    for parameter in abi.parameters:
        if parameter.indexed:
            topic += 1
            result.append((parameter, f"substr(topic{topic}, 3)"))
        else:
            result.append((parameter, f"substr(data, {3 + 64 * at}, 64)"))
            at += 1
    return result


def _values(abi: EventAbi) -> list[str]:
    """One expression per parameter; what is indexed and dynamic is its hash, the topic itself."""
    return [value(p.type, w) if p.is_static else f"concat('0x', {w})" for p, w in _words(abi)]


def _payload(spec: EventSpec, abi: EventAbi) -> str:
    """The JSON text of a rare event's parameters, to the character: integers are text, booleans are not."""
    if not abi.parameters:
        return "'{}'"
    pieces = []
    for i, (expression, parameter) in enumerate(zip(_values(abi), abi.parameters, strict=True)):
        key = f'"{column_name(spec.abi.parameters[i], i)}":'
        is_bool = parameter.is_static and column_type(parameter.type) == "bool"
        quote = "" if is_bool else '"'
        text = f"cast({expression} as string)"
        pieces += (
            [f"'{',' if i else '{'}{key}{quote}'", text, f"'{quote}'"]
            if quote
            else [f"'{',' if i else '{'}{key}'", text]
        )
    return f"concat({', '.join([*pieces, repr('}')])})"

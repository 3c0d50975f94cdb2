"""Logs of known events -> Arrow tables; logs that fit no event -> ``undecoded_logs`` with the reason.

An event is recognised by topic 0 *and* number of topics *and* size and padding of its data: topic 0 alone is shared by
events that index different parameters. An anonymous event has no topic 0 of its own: its emitter stands in for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from loaders.decode.dynamic import DoesNotFit, as_column_value, decode_data, json_text
from loaders.decode.words import decode_words, fits, hex_text
from loaders.logs import Mask, RawLogs, rows_as_key, rows_in
from loaders.registry.abi import EventAbi, Parameter
from loaders.registry.events import EventSpec
from loaders.registry.schema import ENVELOPE, column_type, event_columns
from loaders.registry.tables import UNDECODED_LOGS

DECODER_VERSION = "1"
"""A whole number; raise it whenever the same log would decode to different values, also because the registry changed.

Where final ranges overlap, those of the higher version count; `poolhouse decode` rewrites what lower ones wrote.
"""

ANY = "*"


@dataclass(frozen=True)
class Wanted:
    """An event and the emitters whose logs of it are kept; ``emitters`` is None for any."""

    spec: EventSpec
    emitters: frozenset[str] | None


@dataclass
class Decoded:
    """Rows per table, and how many rows each filter (event, emitter or ``*``) yielded."""

    tables: dict[str, list[pa.Table]] = field(default_factory=dict)
    counts: dict[tuple[EventSpec, str], int] = field(default_factory=dict)
    namesakes: dict[tuple[EventSpec, str], int] = field(default_factory=dict)
    """Logs of each filter that are known to be an event of another kind; they have no row."""

    def add(self, table: str, rows: pa.Table) -> None:
        if len(rows):
            self.tables.setdefault(table, []).append(rows)


class Decoder:
    """Decodes the logs of one chain for a fixed set of wanted events."""

    def __init__(self, chain_id: int, wanted: Sequence[Wanted]) -> None:
        self._chain_id = chain_id
        self._by_topic: dict[bytes, list[tuple[_EventDecoder, Wanted]]] = {}
        """Events by topic 0, the anonymous ones under none."""
        for want in wanted:
            decoder = _EventDecoder(want.spec)
            self._by_topic.setdefault(bytes.fromhex(want.spec.topic0[2:]), []).append((decoder, want))
        named = {t for want in wanted for t in want.spec.named_topics}
        self._named = [bytes.fromhex(t[2:]) for t in sorted(named)]

    def decode(self, logs: RawLogs) -> Decoded:
        """Every wanted log lands in the table of each event it fits, or in ``undecoded_logs``; namesakes are counted."""
        result = Decoded()
        for topic0, group in self._by_topic0(logs):
            candidates = self._by_topic.get(topic0, [])
            fitting: Mask = np.zeros(len(group), bool)
            wanted: Mask = np.full(len(group), not candidates)
            reasons: list[str] = []
            for decoder, want in candidates:
                if want.emitters is None:
                    mask, chosen = np.ones(len(group), bool), group
                else:
                    mask = _emitted_by(group, want.emitters)
                    chosen = group.take(mask)
                rows, fitted, reason = decoder.decode(chosen, self._chain_id)
                namesakes = decoder.namesakes(chosen)
                fitting[np.flatnonzero(mask)[fitted | namesakes]] = True
                wanted |= mask
                reasons.append(reason)
                for part in rows:
                    result.add(want.spec.table, part)
                _count(result.counts, want, chosen, fitted)
                _count(result.namesakes, want, chosen, namesakes)
            misfits = wanted & ~fitting
            if misfits.any():
                reason = "; ".join(sorted({r for r in reasons if r})) or "no event of the registry has this topic 0"
                result.add(UNDECODED_LOGS.name, undecoded_rows(group.take(misfits), self._chain_id, reason))
        return result

    def _by_topic0(self, logs: RawLogs) -> Iterator[tuple[bytes, RawLogs]]:
        """The logs by topic 0, each group in their order; those whose topic 0 no wanted event has come last, under none."""
        topic0 = logs.topics[:, 0]
        if len(logs) and topic0[0].tobytes() in self._by_topic and (topic0 == topic0[0]).all():
            yield topic0[0].tobytes(), logs
            return
        keys, which = np.unique(rows_as_key(topic0), return_inverse=True)
        is_known = np.array([key.tobytes() in self._by_topic for key in keys], bool)
        order = np.argsort(which, kind="stable")
        ends = np.cumsum(np.bincount(which, minlength=len(keys)))
        for number in np.flatnonzero(is_known):
            start = ends[number - 1] if number else 0
            yield keys[number].tobytes(), logs.take(order[start : ends[number]])
        rest = ~is_known[which]
        if self._named and rest.any():
            # Whole contracts are read for their anonymous events: what is another event's is not wanted here.
            rest &= ~(rows_in(topic0, self._named) & (logs.topic_count > 0))
        if rest.any():
            yield b"", logs.take(rest)


def _count(result: dict[tuple[EventSpec, str], int], want: Wanted, logs: RawLogs, chosen: Mask) -> None:
    if want.emitters is None:
        result[want.spec, ANY] = result.get((want.spec, ANY), 0) + int(chosen.sum())
        return
    addresses, counts = np.unique(rows_as_key(logs.address[chosen]), return_counts=True)
    for address, count in zip(addresses, counts, strict=True):
        key = (want.spec, "0x" + address.tobytes().hex())
        result[key] = result.get(key, 0) + int(count)


def _emitted_by(logs: RawLogs, emitters: frozenset[str]) -> Mask:
    return rows_in(logs.address, [bytes.fromhex(a[2:]) for a in sorted(emitters)])


def envelope_arrays(logs: RawLogs, chain_id: int) -> list[pa.Array]:
    """The columns of ``ENVELOPE``."""
    return [
        pa.array(np.full(len(logs), chain_id, np.int64)),
        pa.array(logs.block_number),
        pa.array(logs.log_index),
        pa.array(logs.tx_index),
        timestamps(logs.timestamp),
        hex_text(logs.block_hash),
        hex_text(logs.tx_hash),
        hex_text(logs.address),
    ]


def timestamps(seconds: np.ndarray[tuple[int], np.dtype[np.int64]]) -> pa.Array:
    buffer = pa.py_buffer(np.ascontiguousarray(seconds * 1_000_000))
    return pa.Array.from_buffers(pa.timestamp("us", tz="UTC"), len(seconds), [None, buffer])


def undecoded_rows(logs: RawLogs, chain_id: int, reason: str) -> pa.Table:
    topics = [
        json_text(["0x" + logs.topics[i, t].tobytes().hex() for t in range(int(logs.topic_count[i]))])
        for i in range(len(logs))
    ]
    data = ["0x" + logs.data_of(i).hex() for i in range(len(logs))]
    arrays = [*envelope_arrays(logs, chain_id), pa.array(topics, pa.string()), pa.array(data, pa.string())]
    return pa.table([*arrays, pa.array([reason] * len(logs), pa.string())], schema=UNDECODED_LOGS.arrow)


class _EventDecoder:
    """Decodes logs of one event, all with its topic 0, in any of its layouts."""

    def __init__(self, spec: EventSpec) -> None:
        self._layouts = [_LayoutDecoder(spec, abi) for abi in (spec.abi, *spec.layouts)]
        self._namesakes = [_LayoutDecoder(spec, abi) for abi in spec.namesakes]

    def decode(self, logs: RawLogs, chain_id: int) -> tuple[list[pa.Table], Mask, str]:
        """Rows per layout, the mask of the logs they come from, and why the others do not fit (empty when all do)."""
        tables: list[pa.Table] = []
        fitted: Mask = np.zeros(len(logs), bool)
        reasons: list[str] = []
        for layout in self._layouts:
            # Layouts differ in their number of topics: no log fits two.
            rows, mask, reason = layout.decode(logs, chain_id)
            tables.append(rows)
            fitted |= mask
            reasons.append(reason)
            if fitted.all():
                return tables, fitted, ""
        return tables, fitted, "; ".join(dict.fromkeys(reasons))

    def namesakes(self, logs: RawLogs) -> Mask:
        """The logs of events of another kind."""
        mask: Mask = np.zeros(len(logs), bool)
        for layout in self._namesakes:
            mask |= layout.shape(logs)
        return mask


class _LayoutDecoder:
    """Decodes logs of one event that index the same parameters."""

    def __init__(self, spec: EventSpec, abi: EventAbi) -> None:
        self._spec = spec
        self._abi = abi
        self._static = all(p.is_static for p in self._abi.in_data)
        self._data_size = 32 * len(self._abi.in_data)
        # The table is the same for all layouts.
        columns = event_columns(spec.abi)
        self._parameter_names = [c.name for c in columns[len(ENVELOPE) :]]

    def decode(self, logs: RawLogs, chain_id: int) -> tuple[pa.Table, Mask, str]:
        """Rows, the mask of the logs they come from, and why the others do not fit (empty when all do)."""
        mask = self.shape(logs)
        reason = "" if mask.all() else f"topics or data size differ from {self._abi.canonical}"
        if not mask.all():
            logs = logs.take(mask)
        columns, good = self._columns(logs)
        if not good.all():
            reason = f"a value does not fit {self._abi.canonical}"
            mask[np.flatnonzero(mask)[~good]] = False
            logs = logs.take(good)
            columns = [c.filter(pa.array(good)) for c in columns]
        return self._table(logs, chain_id, columns), mask, reason

    def shape(self, logs: RawLogs) -> Mask:
        """The logs with as many topics, and where that is fixed as much data, as the layout has."""
        mask: Mask = logs.topic_count == self._abi.topic_count
        return mask & (logs.data_size == self._data_size) if self._static else mask

    def _columns(self, logs: RawLogs) -> tuple[list[pa.Array], Mask]:
        """One column per parameter in ABI order; rows outside the mask hold nothing of use."""
        good: Mask = np.ones(len(logs), bool)
        in_topics: list[pa.Array] = []
        for position, parameter in enumerate(self._abi.indexed, start=self._abi.topic_count - len(self._abi.indexed)):
            words = logs.topics[:, position]
            if parameter.is_static:
                good &= fits(parameter.type, words)
                in_topics.append(decode_words(parameter.type, words))
            else:
                in_topics.append(hex_text(words))
        in_data = self._static_data(logs, good) if self._static else self._dynamic_data(logs, good)
        topics, data = iter(in_topics), iter(in_data)
        return [next(topics) if p.indexed else next(data) for p in self._abi.parameters], good

    def _static_data(self, logs: RawLogs, good: Mask) -> list[pa.Array]:
        matrix = logs.data_matrix(self._data_size).reshape(len(logs), len(self._abi.in_data), 32)
        arrays = []
        for position, parameter in enumerate(self._abi.in_data):
            words = matrix[:, position]
            good &= fits(parameter.type, words)
            arrays.append(decode_words(parameter.type, words))
        return arrays

    def _dynamic_data(self, logs: RawLogs, good: Mask) -> list[pa.Array]:
        parameters = self._abi.in_data
        rows: list[list[object]] = []
        for i in range(len(logs)):
            try:
                values = decode_data(parameters, logs.data_of(i))
            except DoesNotFit:
                good[i] = False
                values = [None] * len(parameters)
            rows.append([as_column_value(v) for v in values])
        return [_python_column(p, [row[k] for row in rows]) for k, p in enumerate(parameters)]

    def _table(self, logs: RawLogs, chain_id: int, columns: list[pa.Array]) -> pa.Table:
        envelope = envelope_arrays(logs, chain_id)
        names = [c.name for c in ENVELOPE]
        if not self._spec.is_shared:
            return pa.table([*envelope, *columns], names=[*names, *self._parameter_names])
        payload = [json_text(self._payload(values)) for values in zip(*(c.to_pylist() for c in columns), strict=True)]
        shared = [
            pa.array([self._spec.role] * len(logs), pa.string()),
            pa.array([self._spec.event] * len(logs), pa.string()),
            pa.array(payload if columns else ["{}"] * len(logs), pa.string()),
        ]
        return pa.table([*envelope, *shared], names=[*names, "event_role", "event_name", "payload"])

    def _payload(self, values: tuple[object, ...]) -> dict[str, object]:
        # Small integers arrive as int64 columns; in JSON every integer is text, so that readers need one rule.
        return {
            name: str(value) if isinstance(value, int) and not isinstance(value, bool) else value
            for name, value in zip(self._parameter_names, values, strict=True)
        }


def _python_column(parameter: Parameter, values: list[object]) -> pa.Array:
    kind = column_type(parameter.type)
    if kind == "int64":
        return pa.array([None if v is None else int(str(v)) for v in values], pa.int64())
    return pa.array(values, pa.bool_() if kind == "bool" else pa.string())

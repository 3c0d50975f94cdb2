"""The fast path from JSON to :class:`RawLogs`: find the quotes, gather the values as byte matrices, build no Python object per log.

The first log of a layout is read by a JSON parser; all others must have the same keys in the same places, and values that are
hexadecimal. So what is scanned of valid JSON means what the ordinary parser would read; any surprise raises
:class:`UnusualLayout`, and the caller asks that parser instead.
"""

from __future__ import annotations

import binascii
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from loaders.logs import UNKNOWN_TIMESTAMP, Bytes, Integers, RawLogs, concat_logs, empty_logs

_CHUNK_BYTES = 1 << 21
"""Work on pieces that stay in the processor's cache."""
_LOOK_BYTES = 4096
_QUOTE, _BRACE = ord('"'), ord("{")
_TEXTS = ("address", "data", "blockHash", "transactionHash")
_QUANTITIES = ("blockNumber", "transactionIndex", "logIndex")
_REQUIRED = frozenset((*_TEXTS, *_QUANTITIES, "topics"))
_MARGIN = 64
"""Where the braces of a log are looked for beyond its first and last quote."""
_SPACE = b" \t\r\n"


class UnusualLayout(Exception):
    """Not the shape this scanner knows; says nothing about whether the JSON is valid."""


@dataclass(frozen=True, slots=True)
class _Group:
    """Logs of one layout: where each begins and ends, and start and end of every value, by key (``topic0`` to ``topic3``)."""

    buffer: Bytes
    rows: Integers
    """Which logs of the chunk these are."""
    head: Integers
    """Positions of the opening braces."""
    tail: Integers
    """Positions behind the closing braces."""
    spans: dict[str, tuple[Integers, Integers]]
    """Each value begins with ``0x``."""

    def matrix(self, key: str, width: int) -> Bytes:
        """The bytes of a ``0x…`` value that has ``width`` bytes in every log."""
        start, end = self.spans[key]
        if not (end - start == 2 + 2 * width).all():
            raise UnusualLayout
        return self.unhex(start, width)

    def unhex(self, start: Integers, width: int) -> Bytes:
        """The ``width`` bytes of each ``0x…`` value that begins at a start."""
        if not width:
            return np.empty((len(start), 0), np.uint8)
        return _unhexed(_gather(self.buffer, start + 2, 2 * width))

    def integers(self, key: str) -> Integers:
        """A ``0x…`` quantity below 2^60."""
        start, end = self.spans[key]
        digits = end - start - 2
        fewest, most = int(digits.min()), int(digits.max())
        if not 1 <= fewest <= most <= 15:
            raise UnusualLayout
        # Keys are long enough for sixteen characters before the end of any value.
        characters = _gather(self.buffer, end - 16, 16)
        characters[:, : 16 - most] = ord("0")
        for position in range(16 - most, 16 - fewest):
            characters[digits < 16 - position, position] = ord("0")
        return _unhexed(characters).view(">i8")[:, 0].astype(np.int64)


def _gather(buffer: Bytes, start: Integers, width: int) -> Bytes:
    """The ``width`` bytes from each start on, as rows."""
    # Opaque items are copied whole, rows of bytes one by one.
    items: NDArray[np.void] = np.ndarray((len(buffer) - width + 1,), f"V{width}", buffer, strides=(1,))
    return items[start].view(np.uint8).reshape(len(start), width)


def _unhexed(digits: Bytes) -> Bytes:
    try:
        raw = binascii.unhexlify(np.ascontiguousarray(digits).data)
    except binascii.Error:
        raise UnusualLayout from None
    return np.frombuffer(raw, np.uint8).reshape(len(digits), -1)


def _require(buffer: Bytes, at: Integers, text: bytes) -> None:
    """Raises :class:`UnusualLayout` unless ``text`` stands at every position."""
    if _gather(buffer, at, len(text)).tobytes() != text * len(at):
        raise UnusualLayout


def scan_logs(raw: memoryview) -> RawLogs:
    """The logs of one ``eth_getLogs`` result. Raises :class:`UnusualLayout`."""
    parts = []
    at = 0
    while at < len(raw):
        end = _end_of_chunk(raw, at)
        parts.append(_scan_chunk(raw[at:end], is_first=at == 0, is_last=end == len(raw)))
        at = end
    return concat_logs(parts)


def _end_of_chunk(raw: memoryview, at: int) -> int:
    """Just behind a log, ``_CHUNK_BYTES`` further on."""
    look = at + _CHUNK_BYTES
    while look < len(raw):
        cut = bytes(raw[look : look + _LOOK_BYTES]).find(b"},{")
        if cut >= 0:
            return look + cut + 1
        look += _LOOK_BYTES - 2
    return len(raw)


def _scan_chunk(text: memoryview, *, is_first: bool, is_last: bool) -> RawLogs:
    buffer = np.frombuffer(text, np.uint8)
    quotes = np.flatnonzero(buffer == _QUOTE)
    if not len(quotes):
        if is_first and is_last and bytes(text).split() in ([b"[]"], [b"[", b"]"]):
            return empty_logs()
        raise UnusualLayout
    try:
        groups = _groups(buffer, text, quotes)
        logs = concat_logs([_columns(group) for group in groups])
        heads, tails = (np.concatenate([getattr(g, end) for g in groups]) for end in ("head", "tail"))
    except IndexError:
        # A position beyond the text: what was taken for a log is none.
        raise UnusualLayout from None
    if len(groups) > 1:
        order = np.argsort(np.concatenate([g.rows for g in groups]), kind="stable")
        logs, heads, tails = logs.take(order), heads[order], tails[order]
    _check_between(buffer, heads, tails, b"[" if is_first else b",", b"]" if is_last else b"")
    return logs


def _groups(buffer: Bytes, text: memoryview, quotes: Integers) -> list[_Group]:
    """The logs of the chunk by layout."""
    per_log = bytes(text[: _LOOK_BYTES * 16]).partition(b"}")[0].count(b'"')
    if per_log and len(quotes) % per_log == 0:
        try:
            # The usual case: all logs have as many topics.
            every = np.arange(len(quotes) // per_log)
            return [_group(buffer, text, quotes.reshape(len(every), per_log), every)]
        except UnusualLayout:
            pass  # or their number only happens to divide
    first_quote = np.searchsorted(quotes, np.flatnonzero(buffer == _BRACE))
    counts = np.diff(np.append(first_quote, len(quotes)))
    groups = []
    for size in np.unique(counts):
        rows = np.flatnonzero(counts == size)
        groups.append(_group(buffer, text, quotes[first_quote[rows][:, None] + np.arange(size)], rows))
    return groups


def _group(buffer: Bytes, text: memoryview, quotes: Integers, rows: Integers) -> _Group:
    """Read the layout of the first log and hold every other log of the group against it."""
    if not quotes.shape[1] or quotes.shape[1] % 2:
        raise UnusualLayout
    first = quotes[0].tolist()
    first_quote, last_quote = first[0], first[-1]
    begin = first_quote - len(bytes(text[:first_quote][-_MARGIN:]).rpartition(b"{")[2]) - 1
    end = last_quote + len(bytes(text[last_quote : last_quote + _MARGIN]).partition(b"}")[0]) + 1
    tokens = [bytes(text[start + 1 : end]) for start, end in zip(first[0::2], first[1::2], strict=True)]
    values = _values(bytes(text[max(begin, 0) : end]), tokens)
    # Of the columns of a matrix that are looked at often, copies.
    spans = {key: (quotes[:, 2 * i] + 1, np.ascontiguousarray(quotes[:, 2 * i + 1])) for key, i in values.items()}
    head, tail = quotes[:, 0] - (first_quote - begin), quotes[:, -1] + (end - last_quote)
    # What stands before, between and behind the values, with the 0x of the next one, must be the same in all logs.
    at = head
    for starts, ends in spans.values():
        same = bytes(text[at[0] : starts[0] + 2])
        if not same.endswith(b"0x") or not (starts - at == len(same) - 2).all():
            raise UnusualLayout
        _require(buffer, at, same)
        at = ends
    same = bytes(text[at[0] : end])
    if not (tail - at == len(same)).all():
        raise UnusualLayout
    _require(buffer, at, same)
    return _Group(buffer, rows, head, tail, spans)


def _values(log: bytes, tokens: list[bytes]) -> dict[str, int]:
    """Which tokens (texts in quotes) of a log are the values of which keys, in order, as a JSON parser reads it."""
    try:
        fields = msgspec.json.decode(log, type=dict[str, str | list[str] | bool])
        texts = [token.decode() for token in tokens]
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise UnusualLayout from None
    found: dict[str, int] = {}
    expected: list[str] = []
    for key, value in fields.items():
        expected.append(key)
        match value:
            case str() if key in _TEXTS or key in _QUANTITIES or key == "blockTimestamp":
                found[key] = len(expected)
                expected.append(value)
            case list() if key == "topics" and len(value) <= 4:
                found |= {f"topic{i}": len(expected) + i for i in range(len(value))}
                expected += value
            case False if key == "removed":
                pass
            case _:
                raise UnusualLayout
    # A key that comes twice, or an escaped character, makes them differ.
    if expected != texts or not fields.keys() >= _REQUIRED:
        raise UnusualLayout
    return found


def _check_between(buffer: Bytes, head: Integers, tail: Integers, opening: bytes, closing: bytes) -> None:
    """Raises :class:`UnusualLayout` unless the logs are all there is: nothing but commas between them."""
    text = buffer.data
    if head[0] < 0 or bytes(text[: head[0]]).strip(_SPACE) != opening:
        raise UnusualLayout
    if bytes(text[tail[-1] :]).strip(_SPACE) != closing:
        raise UnusualLayout
    if len(head) > 1:
        comma = bytes(text[tail[0] : head[1]])
        if comma.strip(_SPACE) != b"," or not (head[1:] - tail[:-1] == len(comma)).all():
            raise UnusualLayout
        _require(buffer, tail[:-1], comma)


def _columns(group: _Group) -> RawLogs:
    count = len(group.rows)
    topic_count = sum(key.startswith("topic") for key in group.spans)
    topics = np.zeros((count, 4, 32), np.uint8)
    for i in range(topic_count):
        topics[:, i] = group.matrix(f"topic{i}", 32)
    data, data_start, data_size = _data(group)
    has_time = "blockTimestamp" in group.spans
    return RawLogs(
        block_number=group.integers("blockNumber"),
        log_index=group.integers("logIndex"),
        tx_index=group.integers("transactionIndex"),
        timestamp=group.integers("blockTimestamp") if has_time else np.full(count, UNKNOWN_TIMESTAMP, np.int64),
        block_hash=group.matrix("blockHash", 32),
        tx_hash=group.matrix("transactionHash", 32),
        address=group.matrix("address", 20),
        topic_count=np.full(count, topic_count, np.int64),
        topics=topics,
        data=data,
        data_start=data_start,
        data_size=data_size,
    )


def _data(group: _Group) -> tuple[Bytes, Integers, Integers]:
    """The bytes of all data, where each log's begin in them and how many they are."""
    start, end = group.spans["data"]
    sizes = (end - start - 2) // 2
    if (end - start < 2).any() or ((end - start) % 2).any():
        raise UnusualLayout
    if (sizes == sizes[0]).all():
        return group.matrix("data", int(sizes[0])).reshape(-1), np.cumsum(sizes) - sizes, sizes
    # Logs of one size stand together in the buffer: each event finds its own as a matrix.
    parts = []
    starts = np.empty(len(sizes), np.int64)
    at = 0
    for size in np.unique(sizes):
        rows = np.flatnonzero(sizes == size)
        parts.append(group.unhex(start[rows], int(size)).reshape(-1))
        starts[rows] = at + size * np.arange(len(rows))
        at += len(parts[-1])
    return np.concatenate(parts), starts, sizes

"""The fast path from JSON to :class:`RawLogs`: find the quotes, gather the values as byte matrices, build no Python object per log.

It relies on what every node's logs have in common (no escaped quotes, one order of keys within an answer) and checks all of it;
any surprise raises :class:`UnusualLayout`, and the caller reads the answer with the ordinary JSON parser instead.
"""

from __future__ import annotations

import binascii

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from loaders.logs import UNKNOWN_TIMESTAMP, Bytes, Integers, RawLogs, concat_logs, empty_logs

_CHUNK_BYTES = 1 << 21
"""Work on pieces that stay in the processor's cache."""
_LOOK_BYTES = 4096
_QUOTE, _BRACE = ord('"'), ord("{")
_KEYS = (
    b"address",
    b"topics",
    b"data",
    b"blockNumber",
    b"blockHash",
    b"transactionHash",
    b"transactionIndex",
    b"logIndex",
    b"blockTimestamp",
    b"removed",
)
_REQUIRED = frozenset(_KEYS) - {b"blockTimestamp", b"removed"}


class UnusualLayout(Exception):
    """Not the shape this scanner knows; says nothing about whether the JSON is valid."""


class _Fields:
    """Start and end of every value, per key, for logs of one layout."""

    def __init__(self, buffer: Bytes, rows: Integers, topic_count: int) -> None:
        self.buffer = buffer
        self.rows = rows
        self.topic_count = topic_count
        self.spans: dict[bytes, tuple[Integers, Integers]] = {}

    def matrix(self, key: bytes, width: int) -> Bytes:
        """The bytes of a ``0x…`` value that has ``width`` bytes in every log."""
        start, end = self.spans[key]
        if not (end - start == 2 + 2 * width).all():
            raise UnusualLayout
        return self._unhex(start, width)

    def _unhex(self, start: Integers, width: int) -> Bytes:
        if not (self.buffer[start + 1] == ord("x")).all():
            raise UnusualLayout
        if not width:
            return np.empty((len(start), 0), np.uint8)
        digits = sliding_window_view(self.buffer, 2 * width)[start + 2]
        try:
            raw = binascii.unhexlify(digits.data)
        except binascii.Error:
            raise UnusualLayout from None
        return np.frombuffer(raw, np.uint8).reshape(-1, width)

    def integers(self, key: bytes) -> Integers:
        """A ``0x…`` quantity below 2^60."""
        start, end = self.spans[key]
        digits = end - start - 2
        most = int(digits.max())
        if not 1 <= int(digits.min()) <= most <= 15 or not (self.buffer[start + 1] == ord("x")).all():
            raise UnusualLayout
        characters = sliding_window_view(self.buffer, most)[end - most]
        # '0'..'9' are 0x30.., 'a'..'f' and 'A'..'F' have bit 6 set and end in 1..6.
        values = (characters & 15) + 9 * (characters >> 6)
        if int(digits.min()) < most:
            values[np.arange(most) < (most - digits)[:, None]] = 0
        return values.astype(np.int64) @ (1 << (4 * np.arange(most - 1, -1, -1, dtype=np.int64)))


def scan_logs(raw: memoryview) -> RawLogs:
    """The logs of one ``eth_getLogs`` result. Raises :class:`UnusualLayout`."""
    parts = []
    at = 0
    while at < len(raw):
        end = _end_of_chunk(raw, at)
        parts.append(_scan_chunk(raw[at:end]))
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


def _scan_chunk(text: memoryview) -> RawLogs:
    buffer = np.frombuffer(text, np.uint8)
    quotes = np.flatnonzero(buffer == _QUOTE)
    if not len(quotes):
        return _none(text)
    first_log = bytes(text[: _LOOK_BYTES * 16]).partition(b"}")[0]
    per_log = first_log.count(b'"')
    if per_log and len(quotes) % per_log == 0:
        try:
            # The usual case: all logs have as many topics.
            every = np.arange(len(quotes) // per_log)
            return _columns(_layout(buffer, text, quotes.reshape(len(every), per_log), every))
        except UnusualLayout:
            pass  # or their number only happens to divide
    first_quote = np.searchsorted(quotes, np.flatnonzero(buffer == _BRACE))
    counts = np.diff(np.append(first_quote, len(quotes)))
    groups = []
    for size in np.unique(counts):
        rows = np.flatnonzero(counts == size)
        groups.append(_layout(buffer, text, quotes[first_quote[rows][:, None] + np.arange(size)], rows))
    logs = concat_logs([_columns(fields) for fields in groups])
    return logs.take(np.argsort(np.concatenate([fields.rows for fields in groups]), kind="stable"))


def _none(text: memoryview) -> RawLogs:
    if bytes(text).strip() != b"[]":
        raise UnusualLayout
    return empty_logs()


def _layout(buffer: Bytes, text: memoryview, quotes: Integers, rows: Integers) -> _Fields:
    """Read the order of keys from the first log and hold every other log of the group against it."""
    if quotes.shape[1] % 2:
        raise UnusualLayout
    starts, ends = quotes[:, 0::2] + 1, quotes[:, 1::2]
    tokens = [bytes(text[starts[0, i] : ends[0, i]]) for i in range(starts.shape[1])]
    fields = _Fields(buffer, rows, 0)
    key, values = b"", 0
    for i, token in enumerate(tokens):
        if values and token not in _KEYS:
            name = b"topic%d" % fields.topic_count if key == b"topics" else key
            fields.spans[name] = starts[:, i], ends[:, i]
            fields.topic_count += key == b"topics"
            values -= 1
            continue
        if token not in _KEYS or (values and key != b"topics"):
            raise UnusualLayout
        key = token
        values = {b"topics": 4, b"removed": 0}.get(key, 1)
        _check_key(buffer, key, starts[:, i], ends[:, i])
    if (values and key != b"topics") or not _REQUIRED - {b"topics"} <= fields.spans.keys():
        raise UnusualLayout
    return fields


def _check_key(buffer: Bytes, key: bytes, start: Integers, end: Integers) -> None:
    """Every log has this key here; and if it is ``removed``, its value is false."""
    # Length, first and last letter tell the keys of a log apart.
    if not ((end - start == len(key)) & (buffer[start] == key[0]) & (buffer[end - 1] == key[-1])).all():
        raise UnusualLayout
    # Past the closing quote and the colon, perhaps a space, comes the t of true or the f of false.
    if key == b"removed" and not ((buffer[end + 2] == ord("f")) | (buffer[end + 3] == ord("f"))).all():
        raise UnusualLayout


def _columns(fields: _Fields) -> RawLogs:
    count = len(fields.rows)
    topics = np.zeros((count, 4, 32), np.uint8)
    for i in range(fields.topic_count):
        topics[:, i] = fields.matrix(b"topic%d" % i, 32)
    data, sizes = _data(fields)
    has_time = b"blockTimestamp" in fields.spans
    return RawLogs(
        block_number=fields.integers(b"blockNumber"),
        log_index=fields.integers(b"logIndex"),
        tx_index=fields.integers(b"transactionIndex"),
        timestamp=fields.integers(b"blockTimestamp") if has_time else np.full(count, UNKNOWN_TIMESTAMP, np.int64),
        block_hash=fields.matrix(b"blockHash", 32),
        tx_hash=fields.matrix(b"transactionHash", 32),
        address=fields.matrix(b"address", 20),
        topic_count=np.full(count, fields.topic_count, np.int64),
        topics=topics,
        data=data,
        data_start=np.cumsum(sizes) - sizes,
        data_size=sizes,
    )


def _data(fields: _Fields) -> tuple[Bytes, Integers]:
    start, end = fields.spans[b"data"]
    sizes = (end - start - 2) // 2
    if (end - start < 2).any() or ((end - start) % 2).any():
        raise UnusualLayout
    if (sizes == sizes[0]).all():
        return fields.matrix(b"data", int(sizes[0])).reshape(-1), sizes
    parts: list[Bytes] = [np.empty(0, np.uint8)] * len(sizes)
    raw = fields.buffer.tobytes()
    try:
        for i, (a, b) in enumerate(zip(start.tolist(), end.tolist(), strict=True)):
            parts[i] = np.frombuffer(binascii.unhexlify(raw[a + 2 : b]), np.uint8)
    except binascii.Error:
        raise UnusualLayout from None
    return np.concatenate(parts), sizes

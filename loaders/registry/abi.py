"""Human-readable event signatures: ``Swap(address indexed sender, int256 amount0, (uint8,bytes)[] legs)`` and their topic0."""

from __future__ import annotations

import re
from dataclasses import dataclass

from eth_hash.auto import keccak

from loaders.errors import PoolhouseError

_ELEMENTARY = re.compile(
    r"(?:u?int(?:8|16|24|32|40|48|56|64|72|80|88|96|104|112|120|128|136|144|152|160|168|176|184|192|200|208|216|224|232|240|248|256)"
    r"|bytes(?:[1-9]|[12]\d|3[0-2])?|address|bool|string)"
)
_ARRAYS = re.compile(r"((?:\[\d*\])*)$")
_EVENT = re.compile(r"\s*([A-Za-z_$][\w$]*)\s*\((.*)\)\s*(anonymous\s*)?", re.DOTALL)
_PARAMETER = re.compile(r"(?P<type>.+?)(?:\s+(?P<indexed>indexed))?(?:\s+(?P<name>[A-Za-z_$][\w$]*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of an event; ``name`` is empty where the signature names none."""

    name: str
    type: str
    indexed: bool

    @property
    def is_static(self) -> bool:
        """One 32-byte word in the data: neither string, bytes, array nor tuple."""
        return _ELEMENTARY.fullmatch(self.type) is not None and self.type not in ("bytes", "string")


@dataclass(frozen=True, slots=True)
class EventAbi:
    """A parsed event signature, its canonical form and topic0."""

    name: str
    parameters: tuple[Parameter, ...]
    canonical: str
    topic0: str
    """Empty for an anonymous event: its first topic, if it has one, is its first indexed parameter."""

    @property
    def is_anonymous(self) -> bool:
        return not self.topic0

    @property
    def topic_count(self) -> int:
        """How many topics its logs have."""
        return len(self.indexed) + (not self.is_anonymous)

    @property
    def indexed(self) -> tuple[Parameter, ...]:
        return tuple(p for p in self.parameters if p.indexed)

    @property
    def in_data(self) -> tuple[Parameter, ...]:
        return tuple(p for p in self.parameters if not p.indexed)


def parse_event(signature: str) -> EventAbi:
    """Parse one signature. Raises :class:`PoolhouseError` naming the part that is not ABI."""
    match = _EVENT.fullmatch(signature)
    if match is None:
        raise _malformed(signature, "expected Name(type [indexed] [name], …) [anonymous]")
    name, body, anonymous = match.groups()
    parameters = tuple(_parameter(part, signature) for part in _split(body, signature))
    most = 4 if anonymous else 3
    if sum(p.indexed for p in parameters) > most:
        kind = "an anonymous event" if anonymous else "an event"
        raise _malformed(signature, f"{kind} has at most {most} indexed parameters")
    canonical = f"{name}({','.join(p.type for p in parameters)})"
    topic0 = "" if anonymous else "0x" + keccak(canonical.encode()).hex()
    return EventAbi(name, parameters, canonical, topic0)


def _parameter(text: str, signature: str) -> Parameter:
    text = text.strip()
    if text.startswith(("(", "tuple(")):
        end = _closing(text, signature)
        suffix = _PARAMETER.fullmatch("x" + text[end + 1 :])
        if suffix is None:
            raise _malformed(signature, f"cannot read {text!r}")
        arrays = suffix["type"][1:]
        members = _split(text[text.index("(") + 1 : end], signature)
        inner = ",".join(_parameter(member, signature).type for member in members)
        return Parameter(suffix["name"] or "", f"({inner}){arrays}", suffix["indexed"] is not None)
    match = _PARAMETER.fullmatch(text)
    if match is None:
        raise _malformed(signature, f"cannot read {text!r}")
    arrays = _ARRAYS.search(match["type"])
    suffix_text = arrays[1] if arrays else ""
    base = match["type"].removesuffix(suffix_text)
    base = {"uint": "uint256", "int": "int256"}.get(base, base)
    if _ELEMENTARY.fullmatch(base) is None:
        raise _malformed(signature, f"{match['type']!r} is not an ABI type")
    return Parameter(match["name"] or "", base + suffix_text, match["indexed"] is not None)


def _closing(text: str, signature: str) -> int:
    depth = 0
    for i, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0 and character == ")":
            return i
    raise _malformed(signature, "unbalanced parentheses")


def _split(body: str, signature: str) -> list[str]:
    """The comma-separated parts of ``body``, commas inside parentheses aside."""
    parts, depth, start = [], 0, 0
    for i, character in enumerate(body):
        depth += (character == "(") - (character == ")")
        if depth < 0:
            raise _malformed(signature, "unbalanced parentheses")
        if character == "," and depth == 0:
            parts.append(body[start:i])
            start = i + 1
    if depth:
        raise _malformed(signature, "unbalanced parentheses")
    return [*parts, body[start:]] if body.strip() else []


def _malformed(signature: str, reason: str) -> PoolhouseError:
    return PoolhouseError(
        f"Event signature {signature!r} cannot be parsed: {reason}.",
        "Write it as in Solidity, for example Transfer(address indexed from, address indexed to, uint256 value).",
    )

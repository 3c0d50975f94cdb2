"""Contracts: their artifacts (ABI and bytecode), linking, and the encoding of calls."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from eth_abi.abi import decode, encode
from eth_utils.crypto import keccak

from devnet.packages import package_folder

Json = Any

ZERO_ADDRESS = "0x" + "0" * 40
_HELPERS = Path(__file__).parent / "solidity" / "Helpers.json"


@dataclass(frozen=True)
class Artifact:
    """What a compiler left of one contract."""

    name: str
    abi: list[Json]
    bytecode: str
    """Creation code as hex without 0x; zeros stand where a library's address belongs."""
    links: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """Library name to byte offsets of its address in the creation code."""

    @cached_property
    def functions(self) -> dict[tuple[str, int], Function]:
        """Functions by name and number of arguments."""
        found: dict[tuple[str, int], Function] = {}
        for entry in self.abi:
            if entry["type"] == "function":
                function = Function.of(entry)
                found.setdefault((function.name, len(function.inputs)), function)
        return found

    @cached_property
    def init_code_hash(self) -> str:
        """Keccak of the creation code: what CREATE2 addresses of this contract are derived from."""
        return "0x" + keccak(hexstr=self.bytecode).hex()

    def creation_code(self, arguments: tuple[Any, ...], libraries: dict[str, str]) -> bytes:
        """Creation code with ``libraries`` (name to address) linked in and the constructor's arguments appended."""
        code = bytearray.fromhex(self.bytecode)
        for library, offsets in self.links.items():
            for offset in offsets:
                code[offset : offset + 20] = bytes.fromhex(libraries[library][2:])
        constructors = [entry for entry in self.abi if entry["type"] == "constructor"]
        types = [_type_of(parameter) for parameter in constructors[0]["inputs"]] if constructors else []
        return bytes(code) + encode(types, arguments)


@dataclass(frozen=True)
class Function:
    """One function of a contract's ABI."""

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    selector: bytes

    @classmethod
    def of(cls, entry: Json) -> Function:
        inputs = tuple(_type_of(parameter) for parameter in entry["inputs"])
        outputs = tuple(_type_of(parameter) for parameter in entry.get("outputs", []))
        return cls(entry["name"], inputs, outputs, keccak(text=f"{entry['name']}({','.join(inputs)})")[:4])

    def encode(self, arguments: tuple[Any, ...]) -> str:
        return "0x" + (self.selector + encode(self.inputs, arguments)).hex()

    def decode(self, data: str) -> Any:
        """One value for one output, a tuple for several. Addresses are lower-case hex."""
        values = decode(self.outputs, bytes.fromhex(data[2:]))
        return values[0] if len(values) == 1 else values


@dataclass(frozen=True)
class Contract:
    """A deployed contract."""

    address: str
    artifact: Artifact

    def encode(self, function: str, *arguments: Any) -> str:
        """Call data of ``function``."""
        return self.function(function, len(arguments)).encode(arguments)

    def function(self, name: str, arity: int) -> Function:
        return self.artifact.functions[(name, arity)]


def created_address(creator: str, nonce: int) -> str:
    """Address of the contract that ``creator`` deploys with its ``nonce``-th transaction (CREATE)."""
    # RLP of the pair: small enough for one length byte each
    number = nonce.to_bytes((nonce.bit_length() + 7) // 8, "big")
    is_one_byte = len(number) == 1 and number[0] < 0x80
    pair = b"\x94" + bytes.fromhex(creator[2:]) + (b"" if is_one_byte else bytes([0x80 + len(number)])) + number
    return "0x" + keccak(bytes([0xC0 + len(pair)]) + pair)[12:].hex()


@cache
def packaged(package: str, path: str) -> Artifact:
    """The artifact at ``path`` of an npm package, in whichever of the compilers' layouts it is."""
    content = _content(package, path)
    content = content.get("compilerOutput", content)
    if "creationCode" in content:  # the ABI is in a folder beside it
        content = {"abi": _content(package, path.replace("/bytecode/", "/abi/")), "bytecode": content["creationCode"]}
    code = content.get("bytecode") or content["evm"]["bytecode"]
    bytecode = code if isinstance(code, str) else code["object"]
    links = {
        library: tuple(place["start"] for place in places)
        for libraries in content.get("linkReferences", {}).values()
        for library, places in libraries.items()
    }
    plain = bytecode.removeprefix("0x")
    for offsets in links.values():
        for offset in offsets:
            plain = plain[: offset * 2] + "0" * 40 + plain[offset * 2 + 40 :]
    return Artifact(Path(path).stem, content["abi"], plain, links)


def _content(package: str, path: str) -> Json:
    return json.loads((package_folder(package) / path).read_text(encoding="utf-8"))


@cache
def own(name: str) -> Artifact:
    """An artifact built from `solidity/Helpers.sol`."""
    built = json.loads(_HELPERS.read_text(encoding="utf-8"))["contracts"][name]
    return Artifact(name, built["abi"], built["bytecode"].removeprefix("0x"))


def _type_of(parameter: Json) -> str:
    """The canonical type of an ABI parameter: tuples are spelt out."""
    kind: str = parameter["type"]
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(_type_of(part) for part in parameter['components'])}){kind.removeprefix('tuple')}"

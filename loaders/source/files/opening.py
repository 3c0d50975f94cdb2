"""Files by path or pattern, local or in a bucket, and what each is: Parquet, lines of JSON, or CSV."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from loaders.errors import PoolhouseError
from loaders.redact import redact

Format = Literal["parquet", "json", "csv"]
_PACKAGES = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs"}
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in a file system of fsspec."""

    system: Any
    path: str

    @property
    def shown(self) -> str:
        """For messages: with its scheme where it is not local, without anything secret."""
        return redact(self.system.unstrip_protocol(self.path).removeprefix("file://"))

    @contextmanager
    def open(self, *, packed: bool = False) -> Iterator[Any]:
        """Its bytes, unpacked by gzip if asked. Failures of the store become :class:`PoolhouseError`."""
        with readable(self.shown), self.system.open(self.path, "rb", compression="gzip" if packed else None) as stream:
            yield stream

    def format(self) -> tuple[Format, bool]:
        """What its first bytes say it is, and whether it is compressed by gzip."""
        with self.open() as stream:
            head = stream.read(4)
            if head == b"PAR1":
                return "parquet", False
        packed = head[:2] == _GZIP
        with self.open(packed=packed) as stream:
            return ("json" if stream.read(64).lstrip()[:1] == b"{" else "csv"), packed

    def names(self, kind: Format, *, packed: bool) -> dict[str, Any]:
        """Column names of a text file, each with the value in the first line of JSON (None in CSV)."""
        with self.open(packed=packed) as stream:
            line = stream.readline()
        try:
            if kind == "json":
                return dict(json.loads(line))
            return dict.fromkeys(line.decode().strip().split(","))
        except ValueError:
            raise PoolhouseError(
                f"{self.shown} is neither Parquet nor lines of JSON nor CSV.", "Give files of raw logs: docs/files.md."
            ) from None


@contextmanager
def readable(name: str) -> Iterator[None]:
    """Whatever a store's client raises about ``name``, read or written, is for the user to mend."""
    try:
        yield
    except PoolhouseError:
        raise
    except ImportError as error:
        raise PoolhouseError(f"Reading {name} needs a package: {error}.", "Install it with pip.") from None
    # Every client has exceptions of its own, all the way down to those of its HTTP library.
    except Exception as error:
        raise PoolhouseError(
            f"{name} cannot be read or written: {redact(str(error)).splitlines()[0] if str(error) else type(error).__name__}.",
            "Check the path, and for a bucket your credentials (a public one: FSSPEC_S3='{\"anon\": true}').",
        ) from None


def find_files(patterns: Sequence[str]) -> list[StoredFile]:
    """All files of the patterns, each once, in the order of their paths; a folder stands for every file below it."""
    found: dict[tuple[str, str], StoredFile] = {}
    for pattern in patterns:
        matches = files_at(pattern)
        if not matches:
            raise PoolhouseError(f"No file matches {redact(pattern)}.", "Check the pattern, and quote it in the shell.")
        found |= {(type(file.system).__name__, file.path): file for file in matches}
    return [found[name] for name in sorted(found)]


def is_remote(place: Path | str) -> bool:
    """Whether a path is in a bucket or behind a URL."""
    return "://" in str(place)


def send(path: Path, target: str) -> None:
    """Copy a local file to a bucket; it appears there whole or not at all."""
    system, there = _located(target)
    with readable(redact(target)):
        system.put_file(str(path), there)


def _located(place: str) -> tuple[Any, str]:
    import fsspec

    scheme = place.partition("://")[0] if is_remote(place) else "file"
    try:
        system, path = fsspec.core.url_to_fs(place)
    except ImportError:
        package = _PACKAGES.get(scheme, f"fsspec[{scheme}]")
        raise PoolhouseError(f"{scheme}:// needs the package {package}.", f"pip install {package}") from None
    except ValueError as error:
        raise PoolhouseError(f"{redact(place)} cannot be opened: {error}.", "Use a path, s3:// or gs://.") from None
    return system, str(path)


def files_at(pattern: str) -> list[StoredFile]:
    """The files of one pattern or folder, perhaps none."""
    system, path = _located(pattern)
    with readable(redact(pattern)):
        if any(mark in path for mark in "*?["):
            paths = [p for p in system.glob(path) if system.isfile(p)]
        elif system.isdir(path):
            paths = system.find(path)
        else:
            paths = [path] if system.exists(path) else []
    # A folder of an export holds more than data: markers (_SUCCESS), unfinished files of our archive.
    return [StoredFile(system, p) for p in paths if not _is_marker(PurePosixPath(p).name)]


def _is_marker(name: str) -> bool:
    return name.startswith(("_", ".")) or name.endswith(".partial")


def local(path: Path) -> StoredFile:
    """A file of this machine."""
    import fsspec

    return StoredFile(fsspec.filesystem("file"), str(path))


def origin(files: Sequence[StoredFile]) -> str:
    """Where files come from, as the ledger names it: the bucket, or that they are local."""
    first = files[0]
    scheme, _, rest = first.shown.partition("://")
    return f"{scheme}://{rest.lstrip('/').split('/')[0]}" if rest else "local files"

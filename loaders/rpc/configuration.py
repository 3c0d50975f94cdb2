"""Which endpoints a chain has: URLs as given on the command line, or dlt's own configuration.

dlt looks in the environment, `.dlt/secrets.toml` and `.dlt/config.toml`, in this order; a field counts where it is found
first. So a URL, which carries a key, may stand in the secrets and its weight beside it in the open.
"""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from loaders.errors import PoolhouseError
from loaders.redact import redact
from loaders.rpc.upstream import MOST_CONCURRENT

SECTION = ("sources", "poolhouse")
_FIELDS = ("url", "weight", "compute_units_per_second", "concurrency", "compute_units")


@dataclass(frozen=True, slots=True)
class EndpointConfig:
    """One endpoint, as its user describes it."""

    url: str = field(repr=False)
    weight: float = 1.0
    """Share of the requests, relative to the others; 0: only when all others fail."""
    compute_units_per_second: float | None = None
    """What its plan allows; None sets no limit of our own."""
    concurrency: int = MOST_CONCURRENT
    """Most requests under way at a time."""
    compute_units: Mapping[str, int] = field(default_factory=dict)
    """Units of a call by method, ``*`` for all others; what is not stated is taken from the provider's table."""


Endpoints: TypeAlias = str | Sequence[EndpointConfig]
"""URLs separated by commas, or what they were configured to be."""


def endpoints_of(endpoints: Endpoints) -> list[EndpointConfig]:
    """Every endpoint once, in order."""
    listed = [EndpointConfig(url) for url in _split(endpoints)] if isinstance(endpoints, str) else endpoints
    by_url: dict[str, EndpointConfig] = {}
    for endpoint in listed:
        by_url.setdefault(endpoint.url, endpoint)
    return list(by_url.values())


def _split(urls: str) -> list[str]:
    return [url.strip() for url in urls.split(",") if url.strip()]


def configured_endpoints(chain: str) -> list[EndpointConfig]:
    """The chain's endpoints in dlt's configuration, none where it has none. Raises :class:`PoolhouseError`."""
    settings = _Settings((*SECTION, chain))
    value, where = settings.first("endpoints")
    if isinstance(value, str):
        value = _from_text(value, where)
    if isinstance(value, list):
        return endpoints_of([_listed(entry, f"{where}, entry {i}") for i, entry in enumerate(value, start=1)])
    if value is not None and not isinstance(value, Mapping):
        raise _wrong(where, "a list of URLs, or a table of endpoints by name")
    names = settings.names("endpoints")
    return endpoints_of([_named(settings, name) for name in names])


def _from_text(text: str, where: str) -> Any:
    if not text.lstrip().startswith(("[", "{")):
        return _split(text)
    try:
        return json.loads(text)
    except ValueError:
        raise _wrong(where, "JSON, or URLs separated by commas") from None


def _listed(entry: Any, where: str) -> EndpointConfig:
    if isinstance(entry, str):
        return EndpointConfig(entry.strip())
    if not isinstance(entry, Mapping):
        raise _wrong(where, "a URL or a table")
    return _endpoint({key: (value, f"{where}, {key}") for key, value in entry.items()}, where)


def _named(settings: _Settings, name: str) -> EndpointConfig:
    found = settings.table("endpoints", name)
    return _endpoint(found, f"{'.'.join((*SECTION, settings.chain))}.endpoints.{name}")


def _endpoint(found: Mapping[str, tuple[Any, str]], where: str) -> EndpointConfig:
    for key, (_, at) in found.items():
        if key not in _FIELDS:
            near = difflib.get_close_matches(key, _FIELDS, n=1)
            guess = f"Did you mean {near[0]}? " if near else ""
            raise PoolhouseError(f"Unknown key in {at}.", f"{guess}Known: {', '.join(_FIELDS)}.")
    if "url" not in found:
        raise PoolhouseError(
            f"{where} has no url.",
            "Write it to .dlt/secrets.toml under the same name; docs/providers.md has an example.",
        )
    url, at = found["url"]
    if not isinstance(url, str) or not url.strip():
        raise _wrong(at, "a URL")
    units = _compute_units(found["compute_units"]) if "compute_units" in found else {}
    concurrency = _number(found, "concurrency", MOST_CONCURRENT, least=1)
    per_second = (
        _number(found, "compute_units_per_second", 0.0, least=1) if "compute_units_per_second" in found else None
    )
    weight = _number(found, "weight", 1.0, least=0)
    return EndpointConfig(url.strip(), weight, per_second, int(concurrency), units)


def _compute_units(found: tuple[Any, str]) -> dict[str, int]:
    value, at = found
    if isinstance(value, str):
        value = _from_text(value, at)
    if not isinstance(value, Mapping):
        raise _wrong(at, "a table of units by method")
    return {method: int(_number({method: (n, f"{at}, {method}")}, method, 0, least=0)) for method, n in value.items()}


def _number(found: Mapping[str, tuple[Any, str]], key: str, default: float, *, least: float) -> float:
    value, at = found.get(key, (default, ""))
    try:
        number = float(value) if not isinstance(value, bool) else float("nan")
    except (TypeError, ValueError):
        number = float("nan")
    if not least <= number < float("inf"):
        raise _wrong(at, f"a number from {least:g}")
    return number


def _wrong(where: str, expected: str) -> PoolhouseError:
    # The value itself is not shown: it may be a URL that slipped into the wrong place.
    return PoolhouseError(f"{where} is not {expected}.", "Correct it; docs/providers.md has examples.")


class _Settings:
    """dlt's providers, asked for one chain. Every value comes with where it was found."""

    def __init__(self, sections: tuple[str, ...]) -> None:
        try:
            # dlt takes a second or two to import: not before it is known that a URL was not given otherwise.
            from dlt.common.configuration.container import Container
            from dlt.common.configuration.specs import PluggableRunContext

            self._providers = Container()[PluggableRunContext].providers.providers
        except Exception as error:  # dlt raises what its TOML parser does
            reason = " ".join(redact(str(error)).split()).rstrip(".")
            raise PoolhouseError(f"dlt's configuration cannot be read: {reason}.", "Correct that file.") from None
        self._sections = sections

    @property
    def chain(self) -> str:
        return self._sections[-1]

    def first(self, key: str, *within: str) -> tuple[Any, str]:
        """The value of highest precedence, None where there is none."""
        return next(self._all(key, *within), (None, ""))

    def names(self, section: str) -> list[str]:
        """Names of the tables in a section, those of files before those of the environment."""
        prefix = "__".join((*self._sections, section)).upper() + "__"
        in_environment = [n[len(prefix) :].split("__")[0].lower() for n in sorted(os.environ) if n.startswith(prefix)]
        in_files = [name for table, _ in self._all(section) if isinstance(table, Mapping) for name in table]
        return list(dict.fromkeys([*in_files, *in_environment]))

    def table(self, section: str, name: str) -> dict[str, tuple[Any, str]]:
        """The keys of a table, each with its value of highest precedence."""
        others = [key for table, _ in self._all(name, section) if isinstance(table, Mapping) for key in table]
        found = {key: self.first(key, section, name) for key in dict.fromkeys([*_FIELDS, *others])}
        return {key: value for key, value in found.items() if value[0] is not None}

    def _all(self, key: str, *within: str) -> Iterator[tuple[Any, str]]:
        path = (*self._sections, *within)
        for provider in self._providers:
            value, name = provider.get_value(key, object, None, *path)
            if value is not None:
                yield value, f"{provider.name}: {name}"

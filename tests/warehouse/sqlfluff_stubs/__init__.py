"""dbt's Jinja context for sqlfluff: the project's own macros, rendered as for BigQuery, without starting dbt.

sqlfluff loads this package and puts every name of it into the templates' context. A dispatched macro is resolved as dbt
does (``bigquery__`` first, then ``default__``), so that what is linted is what BigQuery would be sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

_MACROS = Path(__file__).resolve().parents[3] / "macros"
_MACRO = re.compile(r"\{%-?\s*macro\s+(\w+)\(.*?\{%-?\s*endmacro\s*-?%\}", re.DOTALL)


class _ReturnedError(Exception):
    """How a macro's ``return(value)`` leaves it."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


def _return(value: Any) -> None:
    raise _ReturnedError(value)


class Adapter:
    """``adapter``."""

    def dispatch(self, macro_name: str, macro_namespace: str | None = None) -> Callable[..., Any]:
        for engine in ("bigquery", "default"):
            found = _environment.globals.get(f"{engine}__{macro_name}")
            if callable(found):
                return found
        raise LookupError(f"no macro bigquery__{macro_name} or default__{macro_name}")


class Target:
    """``target``."""

    name = "bigquery"
    type = "bigquery"
    schema = "main"
    database = "project"


class Dbt:
    """The macros of the namespace ``dbt`` that the project uses, as BigQuery spells them."""

    def type_string(self) -> str:
        return "string"

    def type_bigint(self) -> str:
        return "int64"

    def type_boolean(self) -> str:
        return "bool"

    def type_timestamp(self) -> str:
        return "timestamp"

    def hash(self, expression: str) -> str:
        return f"to_hex(md5(cast({expression} as string)))"

    def concat(self, parts: list[str]) -> str:
        return f"concat({', '.join(parts)})"


class Config:
    """``config``: a call yields nothing, a look-up the given default."""

    def __call__(self, **_: Any) -> str:
        return ""

    def meta_get(self, name: str, default: Any = None) -> Any:
        return default


class Relation(str):
    """A table that macros name themselves: its identifier."""

    __slots__ = ()

    @classmethod
    def create(cls, identifier: str, **_: Any) -> Relation:
        return cls(identifier)

    def incorporate(self, path: dict[str, str]) -> Relation:
        return Relation(path["identifier"])

    @property
    def identifier(self) -> str:
        return str(self)


class Api:
    """``api``."""

    Relation = Relation


def ref(model: str) -> str:
    return model


def source(name: str, table: str) -> str:
    return f"{name}.{table}"


def is_incremental() -> bool:
    """Lint both branches of a model by linting the longer one."""
    return True


def var(name: str, default: Any = None) -> Any:
    return default


def env_var(name: str, default: str = "") -> str:
    return default


adapter = Adapter()
target = Target()
dbt = Dbt()
config = Config()
api = Api()
this = Relation("this_model")

_environment = jinja2.Environment(  # noqa: S701 (the output is SQL)
    extensions=["jinja2.ext.do"], keep_trailing_newline=True, undefined=jinja2.StrictUndefined
)
_environment.globals.update(
    {"adapter": adapter, "api": api, "target": target, "dbt": dbt, "config": config, "ref": ref, "source": source},
    is_incremental=is_incremental,
    var=var,
    this=this,
    env_var=env_var,
)
_environment.globals["return"] = _return


def _load(text: str, name: str) -> Callable[..., Any]:
    """A macro as a function. Macros see each other through the environment, so that each catches its own return.

    It is compiled when it is called: sqlfluff loads this package anew for every file.
    """

    @cache
    def macro() -> Any:
        return getattr(_environment.from_string(text).make_module(), name)

    def call(*arguments: Any, **named: Any) -> Any:
        try:
            return macro()(*arguments, **named)
        except _ReturnedError as returned:
            return returned.value

    return call


for _path in sorted(_MACROS.rglob("*.sql")):
    for _match in _MACRO.finditer(_path.read_text(encoding="utf-8")):
        if _match[1] not in _environment.globals:  # is_incremental is answered above
            _environment.globals[_match[1]] = globals()[_match[1]] = _load(_match[0], _match[1])

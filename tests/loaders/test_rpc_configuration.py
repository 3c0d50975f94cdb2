"""Endpoints in dlt's configuration: files and environment, and what a wrong one says. No message ever shows a key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from dlt.common.configuration.container import Container
from dlt.common.configuration.specs import PluggableRunContext

from loaders.commands.options import resolve_endpoints
from loaders.errors import PoolhouseError
from loaders.rpc.configuration import EndpointConfig, configured_endpoints, endpoints_of
from tests.conftest import Run

KEY = "s3cretkey0123456789"
Configure = Callable[[str, str], None]


@pytest.fixture
def configure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Configure]:
    """Write `.dlt/config.toml` and `.dlt/secrets.toml`, and let dlt read them."""
    for variable in ("POOLHOUSE_RPC_URL", "POOLHOUSE_RPC_URL_ETHEREUM"):
        monkeypatch.delenv(variable, raising=False)
    context = Container()[PluggableRunContext]

    def write(config: str, secrets: str = "") -> None:
        (tmp_path / ".dlt").mkdir(exist_ok=True)
        (tmp_path / ".dlt" / "config.toml").write_text(config, encoding="utf-8")
        (tmp_path / ".dlt" / "secrets.toml").write_text(secrets, encoding="utf-8")
        monkeypatch.setenv("DLT_PROJECT_DIR", str(tmp_path))
        context.reload_providers()

    yield write
    monkeypatch.undo()
    context.reload_providers()


def test_a_name_joins_what_is_secret_with_what_is_not(configure: Configure, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(
        "[sources.poolhouse.ethereum.endpoints.alchemy]\nweight = 3\ncompute_units_per_second = 500\n"
        "[sources.poolhouse.ethereum.endpoints.alchemy.compute_units]\neth_getLogs = 75\n"
        "[sources.poolhouse.ethereum.endpoints.own]\nurl = 'http://10.0.0.5:8545'\nconcurrency = 2\n",
        f"[sources.poolhouse.ethereum.endpoints.alchemy]\nurl = 'https://eth.example/v2/{KEY}'\n",
    )
    monkeypatch.setenv("SOURCES__POOLHOUSE__ETHEREUM__ENDPOINTS__OWN__WEIGHT", "0.5")
    monkeypatch.setenv("SOURCES__POOLHOUSE__ETHEREUM__ENDPOINTS__SPARE__URL", "https://spare.example")
    found = {e.url: e for e in configured_endpoints("ethereum")}
    assert found == {
        f"https://eth.example/v2/{KEY}": EndpointConfig(
            f"https://eth.example/v2/{KEY}", 3, 500, 8, {"eth_getLogs": 75}
        ),
        "http://10.0.0.5:8545": EndpointConfig("http://10.0.0.5:8545", 0.5, None, 2),
        "https://spare.example": EndpointConfig("https://spare.example"),
    }
    assert KEY not in repr(found.popitem()[1]) + repr(list(found.values()))


@pytest.mark.parametrize(
    ("config", "secrets", "environment", "urls"),
    [
        ("[sources.poolhouse.base]\nendpoints = ['https://a.example', 'https://b.example']", "", "", ["a", "b"]),
        ("", "[sources.poolhouse.base]\nendpoints = 'https://a.example, https://b.example'", "", ["a", "b"]),
        ("[[sources.poolhouse.base.endpoints]]\nurl = 'https://a.example'\nweight = 2", "", "", ["a"]),
        ("[sources.poolhouse.base]\nendpoints = ['https://a.example']", "", "https://c.example", ["c"]),
        ("", "", '["https://c.example", {"url": "https://d.example"}]', ["c", "d"]),
        ("[sources.poolhouse.ethereum]\nendpoints = ['https://a.example']", "", "", []),
        ("", "", "", []),
    ],
)
def test_endpoints_may_be_listed(
    configure: Configure,
    monkeypatch: pytest.MonkeyPatch,
    config: str,
    secrets: str,
    environment: str,
    urls: list[str],
) -> None:
    configure(config, secrets)
    if environment:
        monkeypatch.setenv("SOURCES__POOLHOUSE__BASE__ENDPOINTS", environment)
    assert [e.url for e in configured_endpoints("base")] == [f"https://{name}.example" for name in urls]


@pytest.mark.parametrize(
    ("config", "message", "remedy"),
    [
        (
            "endpoints.a.weight = 3",
            "sources.poolhouse.base.endpoints.a has no url",
            "Write it to .dlt/secrets.toml",
        ),
        (
            f"endpoints.a.url = 'https://{KEY}'\nendpoints.a.wieght = 3",
            "Unknown key in config.toml: sources.poolhouse.base.endpoints.a.wieght",
            "Did you mean weight?",
        ),
        (
            f"endpoints.a.url = 'https://{KEY}'\nendpoints.a.weight = 'https://{KEY}'",
            "config.toml: sources.poolhouse.base.endpoints.a.weight is not a number from 0",
            "docs/providers.md",
        ),
        (
            f"endpoints.a.url = 'https://{KEY}'\nendpoints.a.compute_units.eth_getLogs = -1",
            "config.toml: sources.poolhouse.base.endpoints.a.compute_units, eth_getLogs is not a number from 0",
            "",
        ),
        (f"endpoints = [['https://{KEY}']]", "config.toml: sources.poolhouse.base.endpoints, entry 1 is not a URL", ""),
        ("endpoints = 3", "config.toml: sources.poolhouse.base.endpoints is not a list of URLs", ""),
        (f"endpoints = '[https://{KEY}'", "sources.poolhouse.base.endpoints is not JSON", ""),
    ],
)
def test_what_is_wrong_is_named_without_its_value(configure: Configure, config: str, message: str, remedy: str) -> None:
    configure(f"[sources.poolhouse.base]\n{config}", "")
    with pytest.raises(PoolhouseError) as raised:
        configured_endpoints("base")
    assert message in raised.value.message
    assert remedy in raised.value.remedy
    assert KEY not in str(raised.value)


def test_a_file_that_is_no_toml_is_named_with_the_place(poolhouse: Run, tmp_path: Path) -> None:
    (tmp_path / ".dlt").mkdir()
    (tmp_path / ".dlt" / "secrets.toml").write_text(
        f"[sources.poolhouse.base]\nendpoints = ['https://{KEY}'\nx = 1\n", encoding="utf-8"
    )
    done = poolhouse("load", "--chain", "base", check=False, env={"DLT_PROJECT_DIR": str(tmp_path)})
    message, remedy = done.stderr.splitlines()
    assert message.startswith("Error: dlt's configuration cannot be read: ")
    assert "secrets.toml" in message
    assert "line 3" in message
    assert remedy == "Correct that file."
    assert KEY not in done.stdout + done.stderr


def test_the_command_line_comes_first_then_the_environment(
    configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    def urls(option: list[str] | None, chain: str = "ethereum") -> list[str]:
        return [e.url for e in endpoints_of(resolve_endpoints(chain, option))]

    configure("", "")
    with pytest.raises(PoolhouseError, match="No RPC URL for ethereum"):
        urls(None)
    configure("[sources.poolhouse.ethereum]\nendpoints = ['https://configured.example']", "")
    assert urls(None) == ["https://configured.example"]
    monkeypatch.setenv("POOLHOUSE_RPC_URL", "https://any.example")
    assert urls(None) == ["https://any.example"]
    monkeypatch.setenv("POOLHOUSE_RPC_URL_ETHEREUM", "https://chain.example, https://second.example")
    assert urls(None) == ["https://chain.example", "https://second.example"]
    assert urls(None, "1") == ["https://chain.example", "https://second.example"]
    assert urls(["https://given.example", "https://x.example,https://y.example", "https://x.example"]) == [
        "https://given.example",
        "https://x.example",
        "https://y.example",
    ]

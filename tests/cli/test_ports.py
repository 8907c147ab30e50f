"""A port in use is an error before anything starts."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from rider_core.cli.ports import check_ports
from rider_core.config import Settings, load_settings
from rider_core.errors import ConfigError
from rider_core.link_process.process import own_address
from rider_core.testing.ports import free_port

VARIABLES = (
    "RIDER_WEB_PORT",
    "RIDER_PI_PUBLISH_PORT",
    "RIDER_PI_SUBSCRIBE_PORT",
    "RIDER_PI_API_PORT",
    "RIDER_LINK_PORT",
)


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        yield stranger.getsockname()[1]


@pytest.fixture(autouse=True)
def free_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RIDER_PI_HOST", raising=False)
    ports: set[int] = set()
    while len(ports) < len(VARIABLES):  # a free one may be offered twice
        ports.add(free_port())
    for variable, port in zip(VARIABLES, ports, strict=True):
        monkeypatch.setenv(variable, str(port))


@pytest.mark.parametrize("variable", VARIABLES)
def test_a_taken_port_is_named_with_the_variable_that_sets_another(
    monkeypatch: pytest.MonkeyPatch, taken: int, variable: str
) -> None:
    check_ports(load_settings())
    monkeypatch.setenv(variable, str(taken))
    with pytest.raises(ConfigError) as caught:
        check_ports(load_settings())
    assert f"127.0.0.1:{taken}" in caught.value.message
    assert variable in str(caught.value.remedy)


def test_with_a_robot_its_ports_are_not_ours_and_the_links_is(monkeypatch: pytest.MonkeyPatch, taken: int) -> None:
    monkeypatch.setenv("RIDER_PI_HOST", "127.0.0.1")
    monkeypatch.setenv("RIDER_PI_API_PORT", str(taken))
    check_ports(load_settings())
    monkeypatch.setenv("RIDER_LINK_PORT", str(taken))
    with pytest.raises(ConfigError, match="the link cannot listen"):
        check_ports(load_settings())


def test_an_unknown_robot_does_not_prevent_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIDER_PI_HOST", "no-such-robot.invalid")
    check_ports(load_settings())


def test_one_port_for_two_listeners_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setenv("RIDER_WEB_PORT", str(port))
    monkeypatch.setenv("RIDER_LINK_PORT", str(port))
    with pytest.raises(ConfigError, match=f"the panel and the link cannot both listen on port {port}"):
        check_ports(load_settings())


def test_any_free_port_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system chooses for each that listens on port 0: two of them have two."""
    monkeypatch.setenv("RIDER_WEB_PORT", "0")
    monkeypatch.setenv("RIDER_LINK_PORT", "0")
    check_ports(load_settings())


@pytest.mark.parametrize(("host", "ours"), [("::1", "::1"), ("127.0.0.1", "127.0.0.1"), ("localhost", "127.0.0.1")])
def test_our_address_on_the_robots_network(host: str, ours: str) -> None:
    assert own_address(Settings(pi_host=host)) == ours

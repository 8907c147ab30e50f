"""The security middleware without a server: which requests it passes, and why it refuses others."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from rider_core.config import Settings
from rider_core.errors import ConfigError
from rider_core.web.access.access_control import AccessControl
from rider_core.web.access.guesses import BURST
from rider_core.web.security import SECURITY_HEADERS, SecurityMiddleware, check_exposure


def settings(**values: Any) -> Settings:
    return Settings(**values)


def ask(
    security_settings: Settings, host: str = "127.0.0.1:8000", path: str = "/", method: str = "GET", **headers: str
) -> str:
    """The status of one request through the middleware."""
    started: list[tuple[str, dict[str, str]]] = []

    def application(_environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [("X-Frame-Options", "ALLOWALL")])
        return [b"inside"]

    environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "HTTP_HOST": host, "wsgi.url_scheme": "http"}
    environ.update({f"HTTP_{name.upper()}": value for name, value in headers.items()})
    body = SecurityMiddleware(application, security_settings, AccessControl(security_settings))(
        environ, lambda status, headers, *_: started.append((status, dict(headers)))
    )
    ((status, sent),) = started
    assert SECURITY_HEADERS.items() <= sent.items()
    assert (b"".join(body) == b"inside") == status.startswith("200")
    return status[:3]


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "LOCALHOST:8000", "[::1]:8000", "[::1]"])
def test_loopback_names_pass(host: str) -> None:
    assert ask(settings(), host) == "200"


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8000",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "localhost:8000:9",
        "localhost:x",
        "127.0.0.1@evil.example",
        "[::1]x",
        "[::1",
        "192.168.1.5",
        "",
        "a" * 100_000,
    ],
)
def test_names_of_others_do_not(host: str) -> None:
    assert ask(settings(), host) == "403"


def test_the_configured_host_passes() -> None:
    seen = settings(web_host="panel.home", web_password="s3cret")
    assert ask(seen, "panel.home:8000", authorization=basic("rider", "s3cret")) == "200"
    assert ask(seen, "other.home:8000", authorization=basic("rider", "s3cret")) == "403"


def test_on_every_address_an_address_passes_but_no_strange_name() -> None:
    seen = settings(web_host="0.0.0.0", web_password="s3cret")
    assert ask(seen, "192.168.1.5:8000", authorization=basic("rider", "s3cret")) == "200"
    assert ask(seen, "evil.example:8000", authorization=basic("rider", "s3cret")) == "403"


@pytest.mark.parametrize("path", ["/", "/socket.io/", "/api/v1/status", "/metrics", "/healthz"])
@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://127.0.0.1:8000", "http://127.0.0.1:8001", "http://127.0.0.1", ""]
)
def test_a_page_of_another_origin_is_refused(path: str, origin: str) -> None:
    assert ask(settings(), path=path, origin=origin) == "403"


def test_the_panels_own_page_passes() -> None:
    assert ask(settings(), path="/socket.io/", origin="http://127.0.0.1:8000") == "200"


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        basic("rider", "wrong"),
        basic("root", "zażółć"),
        basic("rider", "zażółć ") + "x",
        basic("rider", ""),
        "Basic !!!",
        "Basic",
        "Bearer zażółć",
        "Basic " + "A" * 1_000_000,
    ],
)
def test_without_the_password_nothing_is_served(authorization: str) -> None:
    protected = settings(web_password="zażółć")
    for path in ("/socket.io/", "/api/v1/status", "/metrics", "/v1/models"):
        assert ask(protected, path=path, authorization=authorization) == "401"
    for path in ("/", "/static/app.js", "/api/v1/session"):  # what a browser needs to sign in
        assert ask(protected, path=path, authorization=authorization) == ("401" if authorization else "200")


def test_with_the_password_all_is() -> None:
    assert ask(settings(web_password="zażółć"), authorization=basic("rider", "zażółć")) == "200"


@pytest.mark.parametrize(
    ("path", "authorization", "status"),
    [
        ("/v1/models", "Bearer s3cret", "200"),
        ("/v1/models", "bearer s3cret ", "200"),
        ("/v1/models", basic("rider", "s3cret"), "200"),
        ("/v1/models", "Bearer s3cre", "401"),
        ("/v1/models", "Bearer s3cret" + "x" * 2_000, "401"),
        ("/v1/models", "Bearer", "401"),
        ("/v1/models", "s3cret", "401"),
        ("/v1/models", "", "401"),
        ("/", "Bearer s3cret", "401"),
        ("/api/v1/status", "Bearer s3cret", "401"),
        ("/socket.io/", "Bearer s3cret", "401"),
        ("/v1", "Bearer s3cret", "401"),
        ("/v11/", "Bearer s3cret", "401"),
    ],
)
def test_the_password_is_a_key_for_openais_clients_and_for_them_alone(
    path: str, authorization: str, status: str
) -> None:
    assert ask(settings(web_password="s3cret"), path=path, authorization=authorization) == status


def test_a_key_beyond_ascii() -> None:
    as_wsgi_has_it = "zażółć".encode().decode("latin-1")
    assert ask(settings(web_password="zażółć"), path="/v1/models", authorization=f"Bearer {as_wsgi_has_it}") == "200"


def test_openais_paths_have_the_same_host_and_origin_checks() -> None:
    assert ask(settings(), path="/v1/models", origin="http://evil.example") == "403"
    assert ask(settings(), "evil.example", path="/v1/models") == "403"
    assert ask(settings(), path="/v1/models", method="BREW") == "405"


def test_a_supervisor_may_ask_whether_it_lives() -> None:
    for path in ("/healthz", "/health/live", "/health/ready"):
        assert ask(settings(web_password="s3cret"), path=path) == "200"
        assert ask(settings(web_password="s3cret"), host="", path=path) == "200"
    assert ask(settings(web_password="s3cret"), path="/health") == "401"


def test_metrics_take_the_password_or_a_token_of_their_own() -> None:
    guarded = settings(web_password="s3cret", metrics_token="scrape")
    assert ask(guarded, path="/metrics") == "401"
    assert ask(guarded, path="/metrics", authorization=basic("rider", "s3cret")) == "200"
    assert ask(guarded, path="/metrics", authorization="Bearer scrape") == "200"
    assert ask(guarded, path="/metrics", authorization="Bearer s3cret") == "401"
    for path in ("/", "/api/v1/status", "/v1/models", "/metrics/"):
        assert ask(guarded, path=path, authorization="Bearer scrape") == "401"


def test_metrics_with_a_token_and_no_password_ask_for_the_token() -> None:
    guarded = settings(metrics_token="scrape")
    assert ask(guarded, path="/") == "200"
    assert ask(guarded, path="/metrics") == "401"
    assert ask(guarded, path="/metrics", authorization=basic("rider", "")) == "401"
    assert ask(guarded, path="/metrics", authorization="Bearer scrape") == "200"


def test_a_scraper_with_an_old_token_locks_no_person_out() -> None:
    its_settings = settings(web_password="s3cret", metrics_token="new")
    guarded = SecurityMiddleware(
        lambda _environ, start: start("200 OK", []) or [], its_settings, AccessControl(its_settings)
    )

    def status(path: str, authorization: str) -> str:
        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "HTTP_HOST": "localhost", "wsgi.url_scheme": "http"}
        started: list[str] = []
        list(guarded({**environ, "HTTP_AUTHORIZATION": authorization}, lambda status, *_: started.append(status)))
        return started[0][:3]

    for _ in range(BURST):
        assert status("/metrics", "Bearer old") == "401"
    assert status("/metrics", "Bearer new") == "429"
    assert status("/", basic("rider", "s3cret")) == "200"


def test_methods_come_from_a_closed_list() -> None:
    assert ask(settings(), method="X" * 50) == "405"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "panel.home", ""])
def test_beyond_loopback_a_password_is_required(host: str) -> None:
    with pytest.raises(ConfigError, match="RIDER_WEB_PASSWORD"):
        check_exposure(settings(web_host=host))
    with pytest.raises(ConfigError):
        check_exposure(settings(web_host=host, web_password=""))
    check_exposure(settings(web_host=host, web_password="s3cret"))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.9.9.9"])
def test_loopback_needs_none(host: str) -> None:
    check_exposure(settings(web_host=host))

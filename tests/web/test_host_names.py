"""Host names of the panel, proxies in front of it, and pages of other origins."""

from __future__ import annotations

from typing import Any

import pytest

from rider_core.config import Settings
from rider_core.errors import ConfigError
from rider_core.web.access.access_control import AccessControl
from rider_core.web.access.guesses import BURST
from rider_core.web.security import SecurityMiddleware

SECRET = {"HTTP_AUTHORIZATION": "Bearer s3cret"}


class MiddlewareHarness:
    """Sends requests through the middleware. `seen`: the environment that reached the application."""

    def __init__(self, **settings: Any) -> None:
        self.seen: dict[str, Any] = {}
        checked = Settings(**settings)
        self.middleware = SecurityMiddleware(self._application, checked, AccessControl(checked))

    def __call__(self, host: str = "127.0.0.1:8000", path: str = "/", **environ: str) -> int:
        started: list[tuple[str, list[tuple[str, str]]]] = []
        request = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "wsgi.url_scheme": "http", "REMOTE_ADDR": "127.0.0.1"}
        if host:
            request["HTTP_HOST"] = host
        self.seen = {}
        body = self.middleware({**request, **environ}, lambda status, headers, *_: started.append((status, headers)))
        self.text = b"".join(body).decode()
        ((status, headers),) = started
        self.headers = {name.lower(): value for name, value in headers}
        return int(status[:3])

    def _application(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        self.seen = environ
        start_response("200 OK", [])
        return [b"inside"]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("panel.home:8000", 200),
        ("PANEL.home", 200),
        ("panel.home.", 200),
        ("a.lan", 200),
        ("a.b.lan:80", 200),
        ("localhost.", 200),
        ("lan", 403),
        ("xlan", 403),
        ("panel.home.evil.example", 403),
        ("other.home", 403),
    ],
)
def test_other_names(host: str, status: int) -> None:
    assert MiddlewareHarness(web_allowed_hosts="panel.home, *.lan")(host) == status


def test_a_refused_name_is_answered_with_the_setting() -> None:
    ask = MiddlewareHarness()
    assert ask("rider.home:8000") == 403
    assert ask.text == (
        "'rider.home' is not a host name of the panel. To allow it: RIDER_WEB_ALLOWED_HOSTS=rider.home\n"
    )
    assert ask("\x1b[31m\nx") == 403
    assert "\x1b" not in ask.text
    remedy = "RIDER_WEB_ALLOWED_HOSTS=rider.home".partition("=")[2]
    assert MiddlewareHarness(web_allowed_hosts=remedy)("rider.home:8000") == 200


def test_an_address_that_is_refused_has_a_remedy_that_works() -> None:
    ask = MiddlewareHarness()
    assert ask("[fd00:0::7]:8000") == 403
    remedy = ask.text.strip().rpartition("RIDER_WEB_ALLOWED_HOSTS=")[2]
    assert remedy == "fd00::7"
    assert MiddlewareHarness(web_allowed_hosts=remedy)("[fd00:0::7]:8000") == 200


@pytest.mark.parametrize(
    ("allowed", "host"),
    [
        ("panel.home:8000", "panel.home:8000"),
        ("[fd00::7]:8000", "[fd00::7]:8000"),
        ("żółw.home", "xn--w-uga1v8h.home"),
        ("*.żółw.home", "a.xn--w-uga1v8h.home:80"),
    ],
)
def test_names_may_be_written_as_people_copy_them(allowed: str, host: str) -> None:
    assert MiddlewareHarness(web_allowed_hosts=allowed)(host) == 200


@pytest.mark.parametrize("name", ["*", "http://panel.home/", "*.*.lan", "panel.home:http", "[fd00::7", "ż" * 70])
def test_a_malformed_name_is_an_error_at_the_start(name: str) -> None:
    with pytest.raises(ConfigError, match=r"web_allowed_hosts has .*, which is not a host name"):
        MiddlewareHarness(web_allowed_hosts=name)


def test_a_health_check_needs_no_host_header() -> None:
    ask = MiddlewareHarness(web_password="s3cret")
    assert ask("", "/healthz") == 200
    assert ask("evil.example", "/healthz") == 403
    assert ask("", "/") == 403


class TestProxy:
    def ask(self, **more: Any) -> MiddlewareHarness:
        return MiddlewareHarness(
            web_public_url="https://home.example/rider", web_trusted_proxies="10.1.0.0/16,::1", **more
        )

    def test_its_page_is_the_panels_own(self) -> None:
        ask = self.ask()
        for host in ("127.0.0.1:8000", "home.example"):
            assert ask(host, "/api/x", HTTP_ORIGIN="https://home.example") == 200
        assert ask(path="/api/x", HTTP_ORIGIN="http://home.example") == 403
        assert ask(path="/api/x", HTTP_ORIGIN="https://home.example.evil.example") == 403

    @pytest.mark.parametrize(
        ("path", "inside"),
        [("/rider", "/"), ("/rider/", "/"), ("/rider/static/a", "/static/a"), ("/riders", "/riders"), ("/x", "/x")],
    )
    def test_a_path_before_its_own(self, path: str, inside: str) -> None:
        ask = self.ask()
        assert ask(path=path) == 200
        assert (ask.seen["SCRIPT_NAME"], ask.seen["PATH_INFO"]) == ("/rider", inside)

    def test_forwarded_headers_count_from_the_proxy_only(self) -> None:
        ask = self.ask()
        forwarded = {"HTTP_X_FORWARDED_FOR": "1.1.1.1, 192.168.1.9", "HTTP_X_FORWARDED_PROTO": "https"}
        for proxy in ("10.1.2.3", "::1", "::ffff:10.1.2.3"):
            assert ask(REMOTE_ADDR=proxy, **forwarded) == 200
            assert (ask.seen["REMOTE_ADDR"], ask.seen["wsgi.url_scheme"]) == ("192.168.1.9", "https")
        assert ask(REMOTE_ADDR="10.2.0.1", **forwarded) == 200
        assert (ask.seen["REMOTE_ADDR"], ask.seen["wsgi.url_scheme"]) == ("10.2.0.1", "http")

    def test_guesses_through_it_are_its_clients(self) -> None:
        ask = self.ask(web_password="s3cret")

        def guess(client: str, password: str) -> int:
            headers = {"HTTP_X_FORWARDED_FOR": client, "HTTP_AUTHORIZATION": f"Bearer {password}"}
            return ask(path="/v1/models", REMOTE_ADDR="10.1.2.3", **headers)

        assert {guess("192.168.1.9", "wrong") for _ in range(BURST)} == {401}
        assert guess("192.168.1.9", "s3cret") == 429
        assert guess("192.168.1.10", "s3cret") == 200

    @pytest.mark.parametrize(
        ("url", "origin"),
        [
            ("https://home.example:443/rider", "https://home.example"),
            ("http://Home.example:80", "http://home.example"),
            ("https://me:secret@home.example:8443/", "https://home.example:8443"),
            ("https://[fd00::7]:443", "https://[fd00::7]"),
            ("https://żółw.example", "https://xn--w-uga1v8h.example"),
        ],
    )
    def test_its_address_as_browsers_say_it(self, url: str, origin: str) -> None:
        ask = MiddlewareHarness(web_public_url=url)
        assert ask(path="/api/x", HTTP_ORIGIN=origin) == 200
        assert ask(origin.partition("//")[2], path="/api/x", HTTP_ORIGIN=origin) == 200

    @pytest.mark.parametrize(
        "url",
        [
            *("home.example", "ftp://home.example", "https://", "https://home.example/?x=1", "/rider"),
            *("https://home.example:99999", "https://[fd00::7", "https://home.example:https"),
        ],
    )
    def test_a_malformed_public_url(self, url: str) -> None:
        with pytest.raises(ConfigError, match="RIDER_WEB_PUBLIC_URL"):
            MiddlewareHarness(web_public_url=url)

    def test_a_malformed_proxy(self) -> None:
        with pytest.raises(ConfigError, match="'my-proxy', which is neither an address"):
            MiddlewareHarness(web_trusted_proxies="my-proxy")


class TestElsewhere:
    """Pages of other origins."""

    def ask(self) -> MiddlewareHarness:
        return MiddlewareHarness(web_allowed_origins="app://obsidian.md, http://localhost:3000/", web_password="s3cret")

    def test_a_browser_asks_first_and_then_with_the_key(self) -> None:
        ask = self.ask()
        preflight = {
            "REQUEST_METHOD": "OPTIONS",
            "HTTP_ORIGIN": "app://obsidian.md",
            "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "POST",
            "HTTP_ACCESS_CONTROL_REQUEST_HEADERS": "authorization,content-type,x-stainless-os",
            "HTTP_SEC_FETCH_SITE": "cross-site",
        }
        assert ask(path="/v1/chat/completions", **preflight) == 204
        assert ask.headers["access-control-allow-origin"] == "app://obsidian.md"
        assert "x-stainless-os" in ask.headers["access-control-allow-headers"]
        assert "POST" in ask.headers["access-control-allow-methods"]
        headers = {"HTTP_ORIGIN": "app://obsidian.md", "HTTP_SEC_FETCH_SITE": "cross-site"}
        assert ask(path="/v1/models", **headers) == 401
        assert ask.headers["access-control-allow-origin"] == "app://obsidian.md", "the page can read the reason"
        assert ask(path="/v1/models", **headers, **SECRET) == 200
        assert ask.headers["access-control-allow-origin"] == "app://obsidian.md"

    def test_only_openais_paths_and_only_those_pages(self) -> None:
        ask = self.ask()
        assert ask(path="/api/v1/status", HTTP_ORIGIN="app://obsidian.md", **SECRET) == 403
        assert ask(path="/v1/models", HTTP_ORIGIN="app://obsidian.md.evil", **SECRET) == 403
        assert ask(path="/v1/models", HTTP_ORIGIN="http://localhost:3000", **SECRET) == 200
        assert ask(path="/v1/models", HTTP_ORIGIN="null", **SECRET) == 403
        assert "access-control-allow-origin" not in ask.headers

    @pytest.mark.parametrize("written", ["https://app.example:443", "https://App.example/index.html"])
    def test_a_page_as_people_copy_it(self, written: str) -> None:
        ask = MiddlewareHarness(web_allowed_origins=written)
        assert ask(path="/v1/models", HTTP_ORIGIN="https://app.example") == 200

    @pytest.mark.parametrize("written", ["*", "null", "app.example", "https://app.example:port"])
    def test_a_malformed_origin(self, written: str) -> None:
        with pytest.raises(ConfigError, match=r"web_allowed_origins has .*, which is not the address of a page"):
            MiddlewareHarness(web_allowed_origins=written)

    @pytest.mark.parametrize("site", ["cross-site", "same-site"])
    def test_a_page_that_sends_no_origin_is_refused_too(self, site: str) -> None:
        ask = MiddlewareHarness()
        assert ask(path="/socket.io/", HTTP_SEC_FETCH_SITE=site, HTTP_SEC_FETCH_MODE="no-cors") == 403
        assert (
            ask(path="/metrics", HTTP_SEC_FETCH_SITE=site, HTTP_SEC_FETCH_MODE="navigate", HTTP_SEC_FETCH_DEST="iframe")
            == 403
        )
        link = {"HTTP_SEC_FETCH_SITE": site, "HTTP_SEC_FETCH_MODE": "navigate", "HTTP_SEC_FETCH_DEST": "document"}
        assert ask(**link) == 200, "a link on another site opens the panel"
        assert ask(REQUEST_METHOD="POST", **link) == 403
        assert ask(HTTP_SEC_FETCH_SITE="same-origin") == 200
        assert ask(HTTP_SEC_FETCH_SITE="none") == 200

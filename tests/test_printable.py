"""Texts for people: without passwords and without control characters."""

from __future__ import annotations

import io
import json
import logging

import pytest

from rider_core.printable import printable, printable_json, printable_lines, without_passwords, without_secrets
from rider_core.runtime.log_lines import LineFormatter


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Cześć 漢字 😀", "Cześć 漢字 😀"),
        ("a\nb\tc", r"a\nb\tc"),
        ("\x1b[31mred\x07", r"\x1b[31mred\x07"),
        ("\x9b31m", r"\x9b31m"),
        ("\u202eevil\u2066", r"\u202eevil\u2066"),
        ("\u061cevil", r"\u061cevil"),
        ("\ud800", r"\ud800"),
        ("\u2028", r"\u2028"),
        ("\x00", r"\x00"),
    ],
)
def test_control_characters_are_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown
    shown.encode()


def test_lines_may_stay_lines() -> None:
    assert printable_lines("a\n\tb\r\x1b") == "a\n\tb\\r\\x1b"


def test_json_stays_json() -> None:
    data = {"text": "\x1b[2J\n \x9b31m \u202e \ud83d 😀 Cześć"}
    shown = printable_json(json.dumps(data, ensure_ascii=False, indent=1))
    assert json.loads(shown) == data
    assert "😀 Cześć" in shown
    assert shown.replace("\n", "").isprintable()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("redis://me:s3cr3t@host:1/0", "redis://me:***@host:1/0"),
        ("redis://:s3cr3t@host", "redis://:***@host"),
        ("cannot reach postgresql+psycopg://a:b@c/d: no", "cannot reach postgresql+psycopg://a:***@c/d: no"),
        ("amqp://a:p@ss:w@host/", "amqp://a:***@host/"),
        ("redis://:s3c/r3t+x=@host:6379/0", "redis://:***@host:6379/0"),
        ("postgresql://me:p@ss/w0rd@host/db", "postgresql://me:***@host/db"),
        ("redis://host?password=s3cr3t&db=1", "redis://host?password=***&db=1"),
        ("postgresql://host/db?user=me&sslPassword=s3cr3t'", "postgresql://host/db?user=me&sslPassword=***'"),
        ("of https://host/v1?api_key=s3cr3t: no", "of https://host/v1?api_key=*** no"),
        ("redis://:s3?c#r3t@host", "redis://:***@host"),
        ("http://[fd00::7]:8080/~me@home", "http://[fd00::7]:8080/~me@home"),
        ("http://host:80?to=me@home", "http://host:80?to=me@home"),
        ("http://host:80/path", "http://host:80/path"),
        ("write to me@host: now", "write to me@host: now"),
        ("http://host:80/~me@home", "http://host:80/~me@home"),
    ],
)
def test_passwords_are_hidden(text: str, shown: str) -> None:
    assert without_passwords(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('web_password = "s3cr3t', "web_password = ***"),
        ('{"ollama": {"api_key": "s3cr3t", "host": 1', '{"ollama": {"api_key": ***'),
        ("{'Token': 's3cr3t'}", "{'Token': ***"),
        ('redis_url = "redis://:s3cr3t@host', 'redis_url = "redis://:***@host'),
        ("web_port = 8000x", "web_port = 8000x"),
        ("a keyboard", "a keyboard"),
    ],
)
def test_secrets_among_settings_are_hidden(text: str, shown: str) -> None:
    assert without_secrets(text) == shown


def test_a_log_line_is_one_plain_line() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LineFormatter("%(levelname)s %(message)s"))
    log = logging.getLogger("test_a_log_line")
    log.propagate = False
    log.addHandler(handler)
    log.error("robot says %s of redis://:pw@host", "\x1b[2J\nfake line")
    try:
        raise ValueError("\x1b[31m redis://:pw@host")
    except ValueError:
        log.exception("it failed")
    log.removeHandler(handler)
    first, second, *traceback = stream.getvalue().splitlines()
    assert first == r"ERROR robot says \x1b[2J\nfake line of redis://:***@host"
    assert second == "ERROR it failed"
    assert traceback[0].startswith("Traceback")
    assert traceback[-1] == r"ValueError: \x1b[31m redis://:***@host"

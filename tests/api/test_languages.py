"""Language tags in all common forms."""

from __future__ import annotations

import pytest

from rider_core.api.languages import language_code
from rider_core.api.messages import parse_message
from rider_core.api.speech_to_text import TranscribeRequest
from rider_core.config import Settings
from rider_core.errors import InvalidInput


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        ("pl", "pl"),
        ("PL", "pl"),
        (" pl-PL ", "pl"),
        ("pl_PL", "pl"),
        ("en_US.UTF-8", "en"),
        ("sr-Latn-RS", "sr"),
        ("haw", "haw"),
        ("de_DE@euro", "de"),
        ("", None),
        ("polish", None),
        ("piper-pl", None),
        ("p1", None),
        ("-pl", None),
        ("pl/../..", None),
        ("pl-" + "x" * 100, None),
        ("pł", None),
    ],
)
def test_the_language_of_a_tag(tag: str, code: str | None) -> None:
    assert language_code(tag) == code


@pytest.mark.parametrize("tag", ["pl-PL", "PL", "pl_PL"])
def test_requests_and_settings_accept_tags(tag: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert parse_message(TranscribeRequest, {"audio": "AAAA", "language": tag}).language == "pl"
    monkeypatch.setenv("RIDER_LANGUAGE", tag)
    assert Settings().language == "pl"


@pytest.mark.parametrize("wrong", ["polish", "", "xx/..", 7])
def test_an_unknown_language_is_refused(wrong: object) -> None:
    with pytest.raises(InvalidInput, match="language"):
        parse_message(TranscribeRequest, {"audio": "AAAA", "language": wrong})

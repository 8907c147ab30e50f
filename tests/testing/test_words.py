"""Word errors, on examples that can be checked by hand."""

from __future__ import annotations

import pytest

from rider_core.testing.words import aligned, word_error_rate, word_errors, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Ever tried? EVER failed.", ["ever", "tried", "ever", "failed"]),
        ("Don't stop -- forty-two!", ["dont", "stop", "forty", "two"]),
        ("Dzień dobry, Łódź\u2026", ["dzień", "dobry", "łódź"]),
        ("it\u2019s", ["its"]),
        (" ... ", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert words_of(text) == words


@pytest.mark.parametrize(
    ("reference", "heard", "errors"),
    [
        ("a b c", "a b c", 0),
        ("a b c", "", 3),
        ("", "a b", 2),
        ("a b c", "a x c", 1),
        ("a b c", "b c", 1),
        ("a b c", "a b b c", 1),
        ("a b c d", "b c d a", 2),
    ],
)
def test_errors(reference: str, heard: str, errors: int) -> None:
    assert word_errors(reference.split(), heard.split()) == errors


def test_rate_is_for_each_word_of_the_reference() -> None:
    assert word_error_rate(["a", "b", "c", "d"], ["a", "x", "c"]) == 0.5
    assert word_error_rate(["a"], ["b", "c", "d"]) == 3.0


def test_each_heard_word_has_its_place() -> None:
    assert aligned(["a", "b", "c", "d"], ["a", "x", "c", "d"]) == [0, 1, 2, 3]
    assert aligned(["a", "b", "c", "d"], ["a", "d"]) == [0, 3]
    assert aligned(["a", "b"], ["a", "new", "b"]) == [0, 0, 1]

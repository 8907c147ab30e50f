"""Sentences out of an answer that comes in pieces."""

from __future__ import annotations

import random

import pytest

from rider_core.link.sentences import LONGEST, SentenceCutter

ENGLISH = "Dr. Smith has 3.5 apples. He said no! Really?\nYes.  See p. 3 of it."
POLISH = "Mam np. dwa koty. To prof. Kowalski! Dzień dobry. Jak się masz?"


def cut(text: str, language: str | None, size: int) -> list[str]:
    cutter = SentenceCutter(language)
    found = [sentence for start in range(0, len(text), size) for sentence in cutter.feed(text[start : start + size])]
    return [*found, *cutter.flush()]


@pytest.mark.parametrize("size", [1, 2, 7, 1_000])
@pytest.mark.parametrize(
    ("text", "language", "sentences"),
    [
        (ENGLISH, "en", ["Dr. Smith has 3.5 apples.", "He said no!", "Really?", "Yes.", "See p. 3 of it."]),
        (POLISH, "pl", ["Mam np. dwa koty.", "To prof. Kowalski!", "Dzień dobry.", "Jak się masz?"]),
        ("no stop at all", "en", ["no stop at all"]),
        (" \n ", "en", []),
    ],
)
def test_however_it_comes_the_sentences_are_the_same(text: str, language: str, sentences: list[str], size: int) -> None:
    assert cut(text, language, size) == sentences


def test_a_sentence_is_there_as_soon_as_the_next_begins() -> None:
    cutter = SentenceCutter("en")
    assert list(cutter.feed("Hello there.")) == []
    assert list(cutter.feed(" W")) == ["Hello there."]


@pytest.mark.parametrize("text", ["word " * 500, "x" * 5_000, "ż" * 700 + " " + "ó" * 700])
def test_what_has_no_stop_is_cut_all_the_same_and_nothing_is_lost(text: str) -> None:
    found = cut(text, "pl", 3)
    assert all(len(sentence) <= LONGEST for sentence in found)
    assert "".join("".join(found).split()) == "".join(text.split())


@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_lost_whatever_comes(seed: int) -> None:
    dice = random.Random(seed)
    text = "".join(dice.choice("aą. !?\n3,…“\u200b😀漢") for _ in range(2_000))
    for language in ("en", "pl", "xx", None):
        assert "".join("".join(cut(text, language, dice.randint(1, 9))).split()) == "".join(text.split()), seed

"""Sentences from an answer that comes in parts."""

from __future__ import annotations

import random

import pytest

from rider_core.link.sentence_splitter import LONGEST, SentenceSplitter

ENGLISH = "Dr. Smith has 3.5 apples. He said no! Really?\nYes.  See p. 3 of it."
POLISH = "Mam np. dwa koty. To prof. Kowalski! Dzień dobry. Jak się masz?"


def split(text: str, language: str | None, size: int) -> list[str]:
    splitter = SentenceSplitter(language)
    found = [sentence for start in range(0, len(text), size) for sentence in splitter.feed(text[start : start + size])]
    return [*found, *splitter.flush()]


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
def test_the_sentences_do_not_depend_on_the_parts(text: str, language: str, sentences: list[str], size: int) -> None:
    assert split(text, language, size) == sentences


def test_a_sentence_is_there_as_soon_as_the_next_begins() -> None:
    splitter = SentenceSplitter("en")
    assert list(splitter.feed("Hello there.")) == []
    assert list(splitter.feed(" W")) == ["Hello there."]


@pytest.mark.parametrize("text", ["word " * 500, "x" * 5_000, "ż" * 700 + " " + "ó" * 700])
def test_a_text_without_full_stops_is_cut_and_nothing_is_lost(text: str) -> None:
    found = split(text, "pl", 3)
    assert all(len(sentence) <= LONGEST for sentence in found)
    assert "".join("".join(found).split()) == "".join(text.split())


@pytest.mark.parametrize("size", [1, 3, 1_000])
@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("**Cześć!** 😊 Jak się *masz*?", ["Cześć!", "Jak się masz?"]),
        ("Kup:\n- mleko\n- **jajka**\n\nI wróć.", ["Kup: mleko.", "jajka.", "I wróć."]),
        ("# Plan\n1. *Idę*\n2. Wracam", ["Plan.", "1. Idę.", "2. Wracam"]),
        ("Tak to działa. ```\nprint(1)\n``` ", ["Tak to działa.", "print(1)"]),
        ("Oto kod:\n```python\nprint('a. B')\n```\nGotowe.", ["Oto kod: Gotowe."]),
        ("😀 🎉\n***\n", []),
    ],
)
def test_markup_is_not_read_out(text: str, sentences: list[str], size: int) -> None:
    assert split(text, "pl", size) == sentences


@pytest.mark.parametrize("seed", range(5))
def test_no_word_of_a_random_text_is_lost(seed: int) -> None:
    dice = random.Random(seed)
    text = "".join(dice.choice("aą. !?\n3,…“\u200b漢ż") for _ in range(2_000))
    for language in ("en", "pl", "xx", None):
        assert words(" ".join(split(text, language, dice.randint(40, 90)))) == words(text), seed


def words(text: str) -> str:
    return "".join(filter(str.isalnum, text))

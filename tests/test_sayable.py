"""Texts as a person would read them aloud."""

from __future__ import annotations

import random
import re
import time

import pytest

import rider_core.sayable
from rider_core.sayable import sayable


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("**Cześć!** 😊", "Cześć!"),
        ("1. *Idę*", "1. Idę"),
        (
            "# Tytuł\n\nTo jest **ważne**: [strona](https://example.org/a_b) i `kod`.",
            "Tytuł. To jest ważne: strona i kod.",
        ),
        ("Kup:\n- mleko\n- jajka\n  - wiejskie\n- chleb", "Kup: mleko. jajka. wiejskie. chleb"),
        ("| imię | wiek |\n|---|---|\n| **Jan** | 7 |\n| | 8 |", "imię, wiek. Jan, 7. 8"),
        ("| posiłek |\n|---|\n| zupa<br>chleb<BR />woda |", "posiłek. zupa chleb woda"),
        ("Raz.<br>Dwa.<p>Trzy.</p><p>Cztery.</p>", "Raz. Dwa. Trzy. Cztery."),
        ("Kup:\n• mleko\n• jajka\n  ◦ wiejskie\n▪ chleb", "Kup: mleko. jajka. wiejskie. chleb"),
        ("- [ ] nakarm kota\n- [x] kup mleko", "nakarm kota. kup mleko"),
        ("> cytat\n> dalej", "cytat dalej"),
        ("![kot na dachu](https://x.org/kot.png)", "kot na dachu"),
        ("Patrz na https://www.example.org/foo?x=1. Potem wróć.", "Patrz na example.org. Potem wróć."),
        ("<https://example.org>", "example.org"),
        ("Oto kod:\n```python\nprint(1)\n```\nGotowe.", "Oto kod: Gotowe."),
        ("1️⃣ Pierwszy 👨‍👩‍👧 i 🇵🇱 oraz 👍🏽", "1 Pierwszy i oraz"),
        ("tam → z powrotem", "tam z powrotem"),
        ("niedomknięte **gwiazdki i `kod", "niedomknięte gwiazdki i kod"),
        ("snake_case_name i __init__", "snake case name i init"),
        ("~~nie~~ \\*tak\\*", "nie tak"),
        ("Tytuł\n=====\ntekst", "Tytuł. tekst"),
        ("Cześć 😊, Janku 😊!", "Cześć, Janku!"),
        ("raz  \ndwa\ntrzy", "raz dwa trzy"),
        ("&lt;b&gt; <b>gruby</b>", "<b> gruby"),
    ],
)
def test_marks_are_not_read_out(text: str, said: str) -> None:
    assert sayable(text) == said


@pytest.mark.parametrize(
    "text",
    [
        "Idź 5 m naprzód, potem w lewo!",
        "20°C, 5 km/h, 100 %, $5 i 3,50 zł",
        "Windows™ i © 2026",
        "5 + 3 = 8, 3 < 5 ≤ 7 i π ≈ 3,14",
        "1. maja jest święto.",
        "Dzwoń na 112 @ dom #1",
        "„Nie” — powiedział… i poszedł.",
        "don't, o'clock, naïve, Łódź, 漢字, Привіт",
        "C++ i C#",
        "od 10:30 do 11:15 · dziś",
        "a/b, a\\b, (nawias), [nawias], {klamra}",
    ],
)
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert sayable(text) == text


@pytest.mark.parametrize(("text", "said"), [("2*3*4 = 24", "2 \xd7 3 \xd7 4 = 24"), ("5 * 3", "5 \xd7 3")])
def test_a_product_is_one(text: str, said: str) -> None:
    assert sayable(text) == said


@pytest.mark.parametrize(
    "text", ["", " \n", "***", "* * *", "---", "😀🎉", "```\nprint(1)\n```", "**", "`", "|", "#", "<br>", "…", "?!"]
)
def test_there_is_nothing_to_say(text: str) -> None:
    assert sayable(text) == ""


@pytest.mark.parametrize(
    "piece", ["[", "*a ", "> ", "- ", "`", "|a", "(", "![", "<", "\\", "1. ", "&", "http://", "_", "  - a\n"]
)
def test_hostile_text_takes_no_time(piece: str) -> None:
    began = time.monotonic()
    sayable(piece * (5_000 // len(piece)))
    assert time.monotonic() - began < 2


def test_the_quick_path_changes_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    dice = random.Random(7)
    parts = [
        "Idź",
        "5",
        "m",
        "1.",
        "www.x.pl",
        "_",
        "-",
        "—",
        "(a",
        "b)",
        '"c"',
        "漢字",
        "①",
        "Ⓐ",
        "don't",
        "!",
        ";",
        " ",
        "",
    ]
    texts = [" ".join(dice.choices(parts, k=dice.randint(1, 6))) for _ in range(5_000)]
    quick = [sayable(text) for text in texts]
    assert sum(map(str.__eq__, quick, texts)) > 200
    monkeypatch.setattr(rider_core.sayable, "_PERHAPS_UNSAYABLE", re.compile(""))
    assert [sayable(text) for text in texts] == quick

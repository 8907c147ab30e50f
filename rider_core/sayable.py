"""Converts a text to what a person would read aloud: without Markdown, emoji, addresses and code.

Language models write Markdown, and a speech engine reads its marks aloud: "asterisk asterisk Hello".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

#: Without indented code blocks: models indent text without a meaning. HTML blocks are read as text.
_MARKDOWN = (
    MarkdownIt("commonmark", {"linkify": False}).enable(["table", "strikethrough"]).disable(["code", "html_block"])
)
#: Characters that may have to be changed. A text without them is not parsed, which saves 0.5 ms.
_PERHAPS_UNSAYABLE = re.compile(r"[^\w ,.;:!?'\"()-]|_| [ ,.;:!?]|www\.")
#: An asterisk that means multiplication, not emphasis.
_PRODUCT = re.compile(r"(?<=\d)[ ]?\*[ ]?(?=\d)")
_TIMES = " \N{MULTIPLICATION SIGN} "
_ADDRESS = re.compile(r"\b(?:https?://|www\.)[^\s<>\"')\]]+")
#: Marks that were not closed, or are escaped.
_MARKS = re.compile(r"[*`_|]+|~~+|^#{1,6}\s", re.MULTILINE)
#: Arrows, and characters that may be pictures. Lower ones are letters and signs (degrees, trade marks); mathematical
#: signs are between the two ranges.
_PERHAPS_PICTURE = re.compile("[\u2190-\u21ff\u2300-\U0010ffff]")
_LAST_ARROW = "\u21ff"
#: Characters that modify the picture before them: joiners, variation selectors, keycaps, flag tags, skin colours.
_MODIFIERS = re.compile("[\u200d\ufe00-\ufe0f\u20e3\U000e0020-\U000e007f\U0001f3fb-\U0001f3ff]")
#: A line that is broken in HTML, as in a cell of a table, or whose element ends there.
_HTML_BREAK = re.compile(r"<\s*(?:br|hr|/?(?:p|div|li|summary|details|h[1-6]))\b[^>]*>", re.IGNORECASE)
#: Bullets that Markdown does not know, and check boxes.
_BULLET = re.compile(r"^[ \t]*[•‣▪▫◦●○·][ \t]+(?=\S)", re.MULTILINE)
_BOX = re.compile(r"^\[[ xX]\]\s+")
#: Ends of a line that need no additional full stop.
_ENDS = (".", "!", "?", ":", ";", ",", "…", "。", "\uff01", "\uff1f")


def sayable(text: str) -> str:
    """`text` as a person would read it aloud, on one line; empty if nothing is left.

    Items of lists, headings and rows of tables become sentences. Code in a block of its own is left out.
    """
    if text[:1].isalpha() and not text.endswith(" ") and not _PERHAPS_UNSAYABLE.search(text):
        return text
    text = _BULLET.sub("- ", _PRODUCT.sub(_TIMES, text))
    lines = [line for line in map(_clean, _lines(_MARKDOWN.parse(text))) if _has_words(line)]
    ended = [line if line.endswith(_ENDS) else f"{line}." for line in lines[:-1]]
    return " ".join([*ended, *lines[-1:]])


def _has_words(line: str) -> bool:
    return any(map(str.isalnum, line))


def _lines(tokens: Sequence[Token]) -> Iterator[str]:
    """The units of reading: paragraphs, list items, headings and table rows."""
    number: str | None = None
    row: list[str] = []
    for before, token in zip([None, *tokens], tokens, strict=False):
        if token.type == "list_item_open":
            number = f"{token.info}{token.markup} " if token.info else None
        elif token.type == "inline":
            words = "".join(_words(token.children or ()))
            if before is not None and before.type in ("th_open", "td_open"):
                row.append(_clean(words))
            else:
                yield (number or "") + _BOX.sub("", words)
                number = None
        elif token.type == "tr_close":
            yield ", ".join(filter(_has_words, row))
            row = []


def _words(children: Sequence[Token]) -> Iterator[str]:
    for child in children:
        if child.type in ("text", "code_inline"):
            yield child.content
        elif _is_break(child):
            yield " "
        elif child.type == "image":
            yield child.content


def _is_break(child: Token) -> bool:
    if child.type == "html_inline":
        return _HTML_BREAK.match(child.content) is not None
    return child.type in ("softbreak", "hardbreak")


def _clean(words: str) -> str:
    """The text with addresses reduced to their host, without remaining marks and pictures, and with single blanks."""
    words = _ADDRESS.sub(_host, words)
    words = _MODIFIERS.sub("", words)
    words = _PERHAPS_PICTURE.sub(_no_picture, words)
    words = " ".join(_MARKS.sub(" ", words).split())
    return re.sub(r"\s+(?=[.,!?;:…](?:\s|$))", "", words)


def _host(address: re.Match[str]) -> str:
    try:
        host = urlsplit(address[0] if "//" in address[0] else f"//{address[0]}").hostname or ""
    except ValueError:
        host = ""
    ending = address[0][len(address[0].rstrip(".,!?;:")) :]
    return host.removeprefix("www.").rstrip(".") + ending


def _no_picture(found: re.Match[str]) -> str:
    """A blank for an arrow or a picture; letters of scripts in the same range stay."""
    character = found[0]
    is_picture = character <= _LAST_ARROW or unicodedata.category(character) in ("So", "Sm", "Cs", "Co", "Cn")
    return " " if is_picture else character

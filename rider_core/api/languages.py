"""Converts language tags (`pl`, `PL`, `pl-PL`, `en_US.UTF-8`) to ISO 639 codes."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field

#: ISO 639-1, or 639-3 for languages without a code of two letters.
CODE_PATTERN = r"^[a-z]{2,3}$"
#: A tag of BCP 47, or a POSIX locale: the language, then region, script, encoding.
_TAG = re.compile(r"([A-Za-z]{2,3})(?:[-_.@][A-Za-z0-9@._-]{0,60})?")


def language_code(tag: str) -> str | None:
    """The language of a tag, in lower case; None: no language tag."""
    found = _TAG.fullmatch(tag.strip())
    return found.group(1).lower() if found else None


def _read(tag: object) -> object:
    if not isinstance(tag, str):
        return tag
    code = language_code(tag)
    if code is None:
        raise ValueError("is no language; write it as pl, pl-PL or en_US")
    return code


#: Type of a message's field: accepts any tag, and holds the code.
Language = Annotated[str, BeforeValidator(_read), Field(pattern=CODE_PATTERN)]

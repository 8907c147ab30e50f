"""Text that may be shown to people and kept in logs: without passwords, and without what steers a terminal."""

from __future__ import annotations

import re

#: Control characters of ASCII and of Latin 1, what turns the direction of writing, line ends of Unicode, and halves of
#: characters, which no encoding takes.
_STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
#: The same where lines and tabs are wanted, as in a traceback.
_STEERING_IN_LINES = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
#: `scheme://user:password@host`; the user may be missing, as in Redis's.
_PASSWORD = re.compile(r"(?P<before>[A-Za-z][A-Za-z0-9+.-]*://[^\s:/@]*:)[^\s/]*@")
_SECRET = ("password", "token", "secret", "key")
#: What stands for a password.
HIDDEN = "***"


def is_secret(name: str) -> bool:
    """Whether the value of a setting of this name is shown to nobody."""
    return any(word in name.lower() for word in _SECRET)


def printable(text: str) -> str:
    """On one line: what is not to be shown raw is written as an escape (`\\x1b`, `\\n`)."""
    return _STEERING.sub(_escaped, text)


def printable_lines(text: str) -> str:
    """The same, but lines stay lines."""
    return _STEERING_IN_LINES.sub(_escaped, text)


def printable_json(text: str) -> str:
    """The same of a text in JSON, in JSON's own escapes: a program reads what it would have read."""
    return _STEERING_IN_LINES.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def without_passwords(text: str) -> str:
    """`text` with the passwords of its addresses hidden."""
    return _PASSWORD.sub(rf"\g<before>{HIDDEN}@", text)


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape", "surrogatepass").decode("ascii")

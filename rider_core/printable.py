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
#: `scheme://user:password@host`; the user may be missing, as in Redis's. A slash in a password should be escaped, and
#: is not by everybody; behind a number it begins a path.
_PASSWORD = re.compile(r"(?P<before>[A-Za-z][A-Za-z0-9+.-]*://(?:[^\s:/@\[]+:(?!\d+(?:[/?#]|$))|:))[^\s]*@")
_SECRET = ("password", "token", "secret", "key")
#: `?password=...` of an address.
_IN_QUERY = re.compile(rf"(?P<before>[?&][^\s=&]*(?:{'|'.join(_SECRET)})[^\s=&]*=)[^\s&#\"']+", re.IGNORECASE)
#: `web_password = ...` and `"api_key": ...`, with all that follows: where it ends is what is wrong with it.
_ASSIGNED = re.compile(rf"(?P<before>\w*(?:{'|'.join(_SECRET)})\w*[\"']?\s*[:=]).*", re.IGNORECASE | re.DOTALL)
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
    text = _PASSWORD.sub(rf"\g<before>{HIDDEN}@", text)
    return _IN_QUERY.sub(rf"\g<before>{HIDDEN}", text)


def without_secrets(text: str) -> str:
    """A piece of settings as somebody wrote it, up to the first secret in it."""
    return _ASSIGNED.sub(rf"\g<before> {HIDDEN}", without_passwords(text))


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape", "surrogatepass").decode("ascii")

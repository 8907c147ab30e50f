"""Makes text safe for terminals and logs: without passwords and without control characters."""

from __future__ import annotations

import re

#: Control characters of ASCII and Latin 1, marks of the writing direction, line ends of Unicode, and lone surrogates.
_STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
#: The same without line feed and tab, for texts of several lines such as a traceback.
_STEERING_IN_LINES = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
#: `scheme://user:password@host`; the user may be missing, as in Redis's URLs. A slash in a password should be escaped,
#: but often is not; a slash behind a number begins a path.
_PASSWORD = re.compile(r"(?P<before>[A-Za-z][A-Za-z0-9+.-]*://(?:[^\s:/@\[]+:(?!\d+(?:[/?#]|$))|:))[^\s]*@")
_SECRET = ("password", "token", "secret", "key")
#: `?password=...` of an address.
_IN_QUERY = re.compile(rf"(?P<before>[?&][^\s=&]*(?:{'|'.join(_SECRET)})[^\s=&]*=)[^\s&#\"']+", re.IGNORECASE)
#: `web_password = ...` and `"api_key": ...`, with everything that follows: in a malformed file the end is unknown.
_ASSIGNED = re.compile(rf"(?P<before>\w*(?:{'|'.join(_SECRET)})\w*[\"']?\s*[:=]).*", re.IGNORECASE | re.DOTALL)
#: Shown in place of a password.
HIDDEN = "***"


def is_secret(name: str) -> bool:
    """Whether the value of a setting of this name must be hidden."""
    return any(word in name.lower() for word in _SECRET)


def printable(text: str) -> str:
    """The text on one line, with control characters as escapes (`\\x1b`, `\\n`)."""
    return _STEERING.sub(_escaped, text)


def printable_lines(text: str) -> str:
    """The same with line feeds and tabs kept."""
    return _STEERING_IN_LINES.sub(_escaped, text)


def printable_json(text: str) -> str:
    """The same for JSON, with JSON's escapes: a parser reads the same values."""
    return _STEERING_IN_LINES.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def without_passwords(text: str) -> str:
    """`text` with the passwords of its addresses hidden."""
    text = _PASSWORD.sub(rf"\g<before>{HIDDEN}@", text)
    return _IN_QUERY.sub(rf"\g<before>{HIDDEN}", text)


def without_secrets(text: str) -> str:
    """A part of a settings file, up to the first secret in it."""
    return _ASSIGNED.sub(rf"\g<before> {HIDDEN}", without_passwords(text))


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape", "surrogatepass").decode("ascii")

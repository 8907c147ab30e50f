"""Removes from a text what must not leave this machine: passwords, keys, inputs, and names of its owner and folders.

Known secrets are removed wherever they stand; of others, what a name or a form shows to be one.
"""

from __future__ import annotations

import getpass
import os
import re
import socket
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from rider_core.config import Settings
from rider_core.printable import HIDDEN, is_secret, without_passwords

#: Shorter secrets are not searched for in texts: they are parts of words.
MIN_SECRET_CHARACTERS = 4
#: Shorter names of users and hosts are not replaced.
_MIN_NAME_CHARACTERS = 3
_HOME, _USER, _HOST, _DATA = "~", "USER", "HOST", "DATA_FOLDER"
#: Names of users that say nothing about a person.
_COMMON_USERS = frozenset({"root", "rider", "pi"})
#: `password = ...`, `"api_key": ...`, `Authorization: ...`, with the rest of the line: where it ends is unknown. Not
#: `tokens`, of which a language model has a number.
_ASSIGNED = re.compile(
    r"(?P<before>\w*(?:passw(?:or)?d|secret|token(?!s)|api[_-]?key|private[_-]?key|authorization|cookie)[\w-]*[\"']?"
    r"\s*[:=](?!\s*(?:None|null)\b)\s*).+",
    re.IGNORECASE,
)
#: A refused input, as our errors show it: it may be what somebody said.
_INPUT = re.compile(r"(?P<before>\b(?:got|begins with) )b?[\"'{\[].*")
#: What keys look like: our own tokens, `Bearer ...`, those of well-known services, JSON web tokens.
_FORMS = (
    re.compile(r"\brider_[A-Za-z0-9]+_[A-Za-z0-9_-]{8,}"),
    re.compile(r"(?P<before>\b(?:Bearer|Basic)\s+)[A-Za-z0-9._~+/=-]{6,}", re.IGNORECASE),
    re.compile(r"\b(?:sk|pk|ghp|gho|hf|xox[abp])[-_][A-Za-z0-9_-]{8,}"),
    re.compile(r"\beyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)?"),
)


class Redactor:
    """Removes what is known to be secret on this machine."""

    def __init__(self, settings: Settings, environment: Mapping[str, str], others: Iterable[Any] = ()) -> None:
        """
        Args:
            others: More values in which secrets may be, such as providers' saved settings.
        """
        values = {name: getattr(settings, name) for name in type(settings).model_fields}
        found = {
            *_secrets_of(values),
            *_secrets_of(dict(environment)),
            *(it for more in others for it in _secrets_of(more)),
        }
        # The longest first: one may be a part of another.
        secrets = sorted((it for it in found if len(it) >= MIN_SECRET_CHARACTERS), key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, secrets))) if secrets else None
        self._names = tuple(_names_of(settings))

    def text(self, text: str) -> str:
        """The text without secrets and without names of this machine."""
        if self._secrets is not None:
            text = self._secrets.sub(HIDDEN, text)
        text = "\n".join(_line(line) for line in text.split("\n"))
        for pattern, shown in self._names:
            text = pattern.sub(shown, text)
        return text

    def value(self, value: Any) -> Any:
        """The same for a value in JSON's types; what a secret's name has is hidden whole."""
        if isinstance(value, Mapping):
            return {self.text(str(key)): self._field(str(key), it) for key, it in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(it) for it in value]
        return self.text(value) if isinstance(value, str) else value

    def _field(self, name: str, value: Any) -> Any:
        is_hidden = is_secret(name) and isinstance(value, str) and value != ""
        return HIDDEN if is_hidden else self.value(value)


def _line(line: str) -> str:
    line = without_passwords(line)
    for rule in (_ASSIGNED, _INPUT):
        line = rule.sub(rf"\g<before>{HIDDEN}", line)
    for form in _FORMS:
        line = form.sub(rf"\g<before>{HIDDEN}" if "before" in form.groupindex else HIDDEN, line)
    return line


def _secrets_of(value: Any, is_named: bool = False) -> Iterator[str]:
    """The secrets in a value: what has a secret's name or type, and passwords of addresses."""
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, Mapping):
        for key, it in value.items():
            yield from _secrets_of(it, is_named or is_secret(str(key)))
    elif isinstance(value, (list, tuple)):
        for it in value:
            yield from _secrets_of(it, is_named)
    elif isinstance(value, str):
        if is_named and not Path(value).is_absolute():  # RIDER_WEB_TLS_KEY names a file
            yield value
        yield from _password_in(value)


def _password_in(text: str) -> Iterator[str]:
    try:
        password = urlsplit(text).password if "://" in text else None
    except ValueError:  # malformed: `without_passwords` hides it where it stands
        password = None
    if password:
        yield from {password, unquote(password)}


def _names_of(settings: Settings) -> Iterator[tuple[re.Pattern[str], str]]:
    """What names a person or a machine, and what is shown in its place; folders first."""
    yield re.compile(re.escape(str(settings.data_dir))), _DATA
    home = Path(os.path.expanduser("~"))
    if home != Path(home.anchor):
        yield re.compile(rf"{re.escape(str(home))}(?=[/\s'\":,)]|$)"), _HOME
    for name, shown in ((_user(), _USER), (socket.gethostname().partition(".")[0], _HOST)):
        if len(name) >= _MIN_NAME_CHARACTERS and name not in _COMMON_USERS and name != "localhost":
            yield re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])", re.IGNORECASE), shown


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return ""

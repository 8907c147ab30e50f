"""Settings that are lists: separated by commas in the environment, a list in the file."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator
from pydantic_settings import NoDecode

#: The name of a package in an index (PEP 508), without a version.
PACKAGE_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?")


def _split(value: object) -> object:
    if isinstance(value, str):
        return tuple(name.strip() for name in value.split(",") if name.strip())
    return value


def _check_networks(texts: tuple[str, ...]) -> tuple[str, ...]:
    for text in texts:
        try:
            ipaddress.ip_network(text, strict=False)
        except ValueError:
            raise ValueError(f"{text!r} is neither an address nor a network, such as 192.168.1.0/24") from None
    return texts


def _check_packages(names: tuple[str, ...]) -> tuple[str, ...]:
    """Only plain names: an installer takes options, addresses and files in the place of a name."""
    for name in names:
        if not PACKAGE_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not the name of a package, such as rider-voice-espeak")
    return names


NameList = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
#: Addresses, and networks such as 192.168.1.0/24.
NetworkList = Annotated[NameList, AfterValidator(_check_networks)]
#: Names of Python packages.
PackageList = Annotated[NameList, AfterValidator(_check_packages)]

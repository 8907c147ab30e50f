"""How an answer says that it is made up, beside what its body says: a sound has no place for it."""

from __future__ import annotations

MOCK_HEADER = "X-Rider-Mock"


def mock_header(mock: bool) -> dict[str, str]:
    return {MOCK_HEADER: "1"} if mock else {}

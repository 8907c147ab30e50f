"""Encodes and decodes the two framings of the robot's bus."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

Framing = Literal["multipart", "single"]

#: The largest message that the simulator decodes, so that a test cannot fill the memory. The robot's bus has no limit.
MAX_MESSAGE_BYTES = 16 * 1024 * 1024

#: Stands for a body that is not JSON.
UNREADABLE: Final = object()


def encode(topic: str, body: Mapping[str, Any], framing: Framing = "multipart") -> list[bytes]:
    """The frames of one message. NaN goes out as `NaN`, as Python's json on the robot writes it."""
    text = json.dumps(body, ensure_ascii=False)
    # A text from the PC may hold half a surrogate pair, which has no UTF-8.
    if framing == "single":
        return [f"{topic} {text}".encode("utf-8", "replace")]
    return [topic.encode("utf-8", "replace"), text.encode("utf-8", "replace")]


def topic_of(frames: Sequence[bytes]) -> tuple[str, Framing]:
    """The topic and the framing; the body is not decoded."""
    if len(frames) == 1:
        return frames[0].partition(b" ")[0][:200].decode("utf-8", "replace"), "single"
    return frames[0][:200].decode("utf-8", "replace"), "multipart"


def decode_body(frames: Sequence[bytes]) -> Any:
    """The JSON value of a message in either framing; `UNREADABLE`: its body is not JSON.

    The robot's reader takes the last frame as the body, and drops bytes that are not UTF-8. It returns any JSON value,
    a list as well as an object.
    """
    if sum(map(len, frames)) > MAX_MESSAGE_BYTES:
        return UNREADABLE
    text = frames[0].partition(b" ")[2] if len(frames) == 1 else frames[-1]
    try:
        return json.loads(text.decode("utf-8", "ignore"))
    except (ValueError, RecursionError):
        return UNREADABLE

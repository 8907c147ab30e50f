"""The robot's bus on the wire: two framings in, one out, and limits before anything is decoded."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NoReturn

from rider_core.api.messages import check_json_parts
from rider_core.errors import InvalidInput, TooLarge

#: The robot's topics have about 30 characters.
MAX_TOPIC_BYTES = 128
#: A 20 ms chunk of sound has 900 bytes, a text to speak up to some thousands.
MAX_BODY_BYTES = 64 * 1024
#: A camera frame is about 20 kB of JPEG in base64. The limit leaves room for other cameras.
MAX_FRAME_BODY_BYTES = 4 * 1024 * 1024
#: Limits of libzmq, in bytes: above them it cuts the connection before the message is in memory. A message between
#: these limits and the ones above is rejected with a reason instead.
MAX_MESSAGE_BYTES, MAX_FRAME_MESSAGE_BYTES = 1024 * 1024, 8 * 1024 * 1024

#: Topics with a socket of their own.
LARGE_TOPICS = frozenset({"vision.frame.offload"})


def decode(parts: Sequence[bytes]) -> tuple[str, dict[str, Any]]:
    """Topic and body of a message, in either framing: `[topic, json]`, or `topic json` in one frame.

    Raises:
        TooLarge, InvalidInput: the message is malformed, or its body is not a JSON object.
    """
    if len(parts) == 2:
        raw_topic, raw_body = parts
    elif len(parts) == 1:
        raw_topic, _, raw_body = parts[0].partition(b" ")
    else:
        raise InvalidInput(f"the message has {len(parts)} frames, not 1 or 2")
    if len(raw_topic) > MAX_TOPIC_BYTES:
        raise TooLarge(f"the topic has {len(raw_topic)} bytes, the limit is {MAX_TOPIC_BYTES}")
    topic = _text(raw_topic, "the topic")
    limit = MAX_FRAME_BODY_BYTES if topic in LARGE_TOPICS else MAX_BODY_BYTES
    if len(raw_body) > limit:
        raise TooLarge(f"{topic} has a body of {len(raw_body)} bytes, the limit is {limit}")
    check_json_parts(raw_body)
    return topic, _object(_text(raw_body, f"the body of {topic}"), topic)


def encode(topic: str, body: dict[str, Any]) -> list[bytes]:
    """Multipart, as the robot's code reads it."""
    return [topic.encode(), json.dumps(body, allow_nan=False, separators=(",", ":")).encode()]


def _text(raw: bytes, name: str) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{name} is not UTF-8: {error.reason} at byte {error.start}") from None


def _object(text: str, topic: str) -> dict[str, Any]:
    try:
        body = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"the body of {topic} is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise InvalidInput(f"the body of {topic} is a {type(body).__name__}, not an object")
    return body


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")

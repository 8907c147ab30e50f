"""Both framings, and everything that is neither."""

from __future__ import annotations

import json

import pytest

from rider_core.errors import InvalidInput, TooLarge
from rider_core.link.framing import MAX_BODY_BYTES, MAX_FRAME_BODY_BYTES, decode, encode


@pytest.mark.parametrize("parts", [[b"a.b", b'{"x": 1}'], [b'a.b {"x": 1}']])
def test_both_framings_mean_the_same(parts: list[bytes]) -> None:
    assert decode(parts) == ("a.b", {"x": 1})


def test_messages_are_sent_as_multipart() -> None:
    assert decode(encode("a.b", {"x": "ż"})) == ("a.b", {"x": "ż"})
    assert len(encode("a.b", {})) == 2
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode("a.b", {"x": float("nan")})


@pytest.mark.parametrize(
    ("parts", "error", "message"),
    [
        ([b"a", b"{}", b"{}"], InvalidInput, "3 frames"),
        ([b""], InvalidInput, "not JSON"),
        ([b"a.b"], InvalidInput, "not JSON"),
        ([b"\xff", b"{}"], InvalidInput, "the topic is not UTF-8"),
        ([b"a", b"\xff"], InvalidInput, "the body of a is not UTF-8"),
        ([b"a", b"[1]"], InvalidInput, "a list, not an object"),
        ([b"a", b'{"x": NaN}'], InvalidInput, "NaN is not a number"),
        ([b"a", b'{"x": -Infinity}'], InvalidInput, "Infinity is not a number"),
        ([b"a", b"[" * 60_000], InvalidInput, "not JSON"),
        ([b"a", b'{"x": ' + b"9" * 5_000 + b"}"], InvalidInput, "not JSON"),
        ([b"vision.frame.offload", b"[" + b"1," * 250_000 + b"1]"], TooLarge, "parts, the limit is"),
        ([b"a" * 200, b"{}"], TooLarge, "the topic has 200 bytes"),
        ([b"a", b" " * (MAX_BODY_BYTES + 1)], TooLarge, str(MAX_BODY_BYTES)),
        ([b"vision.frame.offload", b" " * (MAX_FRAME_BODY_BYTES + 1)], TooLarge, str(MAX_FRAME_BODY_BYTES)),
    ],
)
def test_anything_else_is_refused(parts: list[bytes], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        decode(parts)


def test_a_frame_of_the_camera_may_be_larger() -> None:
    body = json.dumps({"frame_jpeg": "A" * (MAX_BODY_BYTES * 2)}).encode()
    assert decode([b"vision.frame.offload", body])[0] == "vision.frame.offload"

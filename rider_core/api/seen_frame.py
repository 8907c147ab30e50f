"""A frame of the robot's camera as the link has seen it: the picture, and what was found in it.

It is sent from the link to the panel, as a line of JSON and the JPEG picture behind it.
"""

from __future__ import annotations

from pydantic import Field

from rider_core.api.messages import Message, parse_json
from rider_core.errors import InvalidInput


class SeenObject(Message):
    """An object in the picture."""

    id: int = Field(description="of its track; 0: it is in none yet")
    label: str
    score: float
    box: tuple[float, float, float, float] = Field(description="left, top, right, bottom in pixels")
    distance_m: float = Field(description="estimated from the size of its box")
    confirmed: bool = Field(description="it was recognised in enough frames to count")


class SeenFrame(Message):
    """What was found in one frame."""

    width: int = Field(description="of the picture, in pixels")
    height: int
    arrived_ts: float = Field(description="our clock, seconds since the epoch")
    provider: str = ""
    mock: bool = False
    problem: str = Field("", description="why nothing was looked for; empty: it was")
    objects: tuple[SeenObject, ...] = ()

    def encode(self, jpeg: bytes) -> bytes:
        """The message with its picture."""
        return self.model_dump_json().encode() + b"\n" + jpeg

    @classmethod
    def decode(cls, data: bytes) -> tuple[SeenFrame, bytes]:
        """The frame and its picture. Raises `InvalidInput`."""
        header, separator, jpeg = data.partition(b"\n")
        if not separator:
            raise InvalidInput("a frame of the camera has no picture")
        return parse_json(cls, header), jpeg

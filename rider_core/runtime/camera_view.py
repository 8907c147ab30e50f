"""The robot's camera for viewers: the link publishes frames while a browser watches, and the panel receives them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, cast

import redis

from rider_core.api.seen_frame import SeenFrame
from rider_core.errors import InvalidInput
from rider_core.redis_functions import Key
from rider_core.timing import backoff_delays, ended_within

log = logging.getLogger(__name__)

camera_channel = Key("camera_channel", "rider:camera", "channel", "", "frames of the robot's camera, while watched")
#: How often the link asks Redis for the number of viewers, in seconds.
ASK_EVERY_S = 1.0
#: The longest wait for a frame before the reader looks whether it should stop, in seconds.
READ_S = 0.5


class CameraViewPublisher:
    """The link's side. Publishes in a thread of its own, the latest frame only."""

    def __init__(self, connection: redis.Redis) -> None:
        self._redis = connection
        self._is_watched = False
        self._latest: bytes | None = None
        self._wake = threading.Condition()
        self._stop = False
        self._thread = threading.Thread(target=self._run, name="camera-view", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        with self._wake:
            self._stop = True
            self._wake.notify()
        ended_within(self._thread, 1)

    def show(self, describe: Callable[[], SeenFrame], jpeg: bytes) -> None:
        """Publish a frame if a browser watches. Returns at once. Without viewers `describe` is not called."""
        if not self._is_watched:
            return
        try:
            frame = describe().encode(jpeg)
        except Exception:  # what people see must not keep the robot from its report
            log.exception("a frame cannot be shown")
            return
        with self._wake:
            self._latest = frame
            self._wake.notify()

    def _run(self) -> None:
        asked = float("-inf")
        while not self._stop:
            try:
                if time.monotonic() - asked >= ASK_EVERY_S:
                    self._is_watched = self._has_watchers()
                    asked = time.monotonic()
                with self._wake:
                    if self._latest is None and not self._stop:
                        self._wake.wait(ASK_EVERY_S)
                    frame, self._latest = self._latest, None
                if frame is not None:
                    self._redis.publish(camera_channel(), frame)
            except redis.RedisError as error:
                log.debug("a frame was not shown: %s", error)
                self._is_watched = False
                with self._wake:
                    self._latest = None
                    self._wake.wait(ASK_EVERY_S)
            except Exception:  # the top of a thread
                log.exception("frames of the camera cannot be shown")
                time.sleep(ASK_EVERY_S)

    def _has_watchers(self) -> bool:
        answer: Any = self._redis.pubsub_numsub(camera_channel())
        return any(count for _, count in cast("list[tuple[bytes, int]]", answer))


def watch_camera(connection: redis.Redis, should_stop: Callable[[], bool]) -> Iterator[tuple[SeenFrame, bytes]]:
    """Frames with their pictures, always the latest that has arrived. While Redis cannot be reached, it retries.

    Args:
        should_stop: Called at least once a second.
    """
    delays = backoff_delays(0.2, 3.0)
    while not should_stop():
        open_pubsub: Any = connection.pubsub  # redis-py leaves it untyped
        pubsub = open_pubsub(ignore_subscribe_messages=True)
        try:
            pubsub.subscribe(camera_channel())
            while not should_stop():
                message = pubsub.get_message(timeout=READ_S)
                while message and (newer := pubsub.get_message(timeout=0)):
                    message = newer
                if message:
                    delays = backoff_delays(0.2, 3.0)
                    with suppress(InvalidInput):  # of another version
                        yield SeenFrame.decode(message["data"])
        except redis.RedisError:
            time.sleep(next(delays))
        finally:
            with suppress(redis.RedisError):
                pubsub.close()

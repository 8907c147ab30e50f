"""Under load: the robot's probe, fast frames, speech, and a flood."""

from __future__ import annotations

import base64
import http.client
import json
import math
import socket
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import cv2
import numpy as np
import zmq
from harness import BenchHarness
from product import REDIS, WORKER
from robots import FRAME, MICROPHONE, OBSTACLE, NotReached, seconds_until

from rider_core.api import AudioClip
from rider_core.api.messages import encode_base64
from rider_core.cli.simulated_voice import engine_voice
from rider_core.config import load_settings
from rider_core.eventbus import EventBus
from rider_core.runtime.redis_connection import connect

PROBES, PROBE_EVERY_S = 200, 0.02
HALF_SENT = 300
FPS, FRAMES_S, LATE_S = 30, 20.0, 0.2
SENTENCES, RATE = 5, 16_000
#: A sample above this amplitude is speech, not a quiet room.
LOUD = 400
FLOOD_FRAMES, FRAME_BYTES, TOPICS = 600, 3_900_000, 200_000


def probe(harness: BenchHarness) -> dict[str, float]:
    """Under texts in progress, half-sent requests, suspended workers and a Redis that hangs, one after another."""
    found: dict[str, float] = {}
    with _texts(harness):
        found["probe, four texts, ms"] = _p99_ms(harness)
    with _half_sent(harness):
        found["probe, 300 half-sent, ms"] = _p99_ms(harness)
    with harness.product.stopped(WORKER):
        found["probe, workers stand, ms"] = _p99_ms(harness)
    with harness.product.stopped(REDIS):
        found["probe, Redis hangs, ms"] = _p99_ms(harness)
    return {"probe_p99_ms": max(found.values()), **found}


def frames(harness: BenchHarness) -> dict[str, float]:
    """Pictures of 640 x 480 that all differ, 30 a second. Each obstacle report carries its frame's time."""
    dice = np.random.default_rng(0)
    noise = cv2.GaussianBlur(dice.integers(0, 255, (480, 640, 3), dtype=np.uint8), (31, 31), 8)
    shots = [cv2.imencode(".jpg", np.roll(noise, 8 * shift, axis=1))[1].tobytes() for shift in range(60)]
    bodies = [{"frame_jpeg": encode_base64(shot), "size": {"w": 640, "h": 480}} for shot in shots]
    cpu_s, began = harness.product.link_cpu_s(), time.monotonic()
    with zmq.Context() as context, context.socket(zmq.PUB) as camera:
        camera.linger = 0
        camera.connect(f"tcp://127.0.0.1:{harness.robot.publish_port}")
        for number in range(int(FPS * FRAMES_S)):
            time.sleep(max(0.0, began + number / FPS - time.monotonic()))
            body = {**bodies[number % len(bodies)], "ts": time.time()}
            camera.send_multipart([FRAME.encode(), json.dumps(body).encode()])
    took_s = time.monotonic() - began
    share = (harness.product.link_cpu_s() - cpu_s) / took_s
    reports = [it for it in harness.observer.messages(OBSTACLE) if it.at > began + 1 and "blind" not in it.body["meta"]]
    offset_s = time.time() - time.monotonic()
    ages_s = [it.at + offset_s - it.body["ts"] for it in reports]
    late = sum(age_s > LATE_S for age_s in ages_s)
    return {
        "frames_late_pct": round(100 * late / max(1, len(ages_s)), 1),
        "link_cpu_pct": round(100 * share, 1),
        "reports": len(ages_s),
        "age of a report, median, ms": round(1000 * statistics.median(ages_s)) if ages_s else math.inf,
    }


def speech(harness: BenchHarness) -> dict[str, float]:
    """A sentence, and silence after it. The event of the accepted job carries its time.

    Text is local meanwhile, because the robot's microphone is silent while an answer plays.
    """
    harness.observer.switch("text", "local")
    seconds_until(lambda: harness.observer.are_local("text"), 10.0, "text is local")
    connection = connect(harness.product.redis_url)
    accepted: list[float] = []
    stop = threading.Event()

    def listen() -> None:
        for event in EventBus(connection, "bench").subscribe(stop.is_set, lambda _: None):
            if event.kind == "job.accepted" and event.data.get("task") == "voice.transcribe":
                accepted.append(event.ts)

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    speak = engine_voice(load_settings())
    if speak is None:
        raise NotReached("no speech engine is installed: the microphone's sounds cannot be made")
    clip = speak("Please turn left at the door.", "en")
    worst = 0.0
    with zmq.Context() as context, context.socket(zmq.SUB) as microphone:
        microphone.linger = 0
        microphone.subscribe(MICROPHONE)
        microphone.connect(f"tcp://127.0.0.1:{harness.robot.subscribe_port}")
        for _ in range(SENTENCES):
            before, ended = len(accepted), _say(harness, clip, microphone)
            seconds_until(lambda before=before: len(accepted) > before, 10.0, "a job for the sentence")
            worst = max(worst, accepted[before] - ended)
            time.sleep(2.0)
    stop.set()
    listener.join(5)
    connection.close()
    return {"speech_end_to_job_ms": round(1000 * worst)}


def flood(harness: BenchHarness) -> dict[str, float]:
    before = harness.product.link_memory_mb()
    with zmq.Context() as context, context.socket(zmq.PUB) as robot:
        robot.linger = 5_000
        # As a camera, which cannot send faster than its network transmits.
        robot.setsockopt(zmq.SNDHWM, 2)
        robot.setsockopt(zmq.XPUB_NODROP, 1)
        robot.setsockopt(zmq.SNDTIMEO, 20_000)
        robot.connect(f"tcp://127.0.0.1:{harness.robot.publish_port}")
        time.sleep(0.5)
        for number in range(FLOOD_FRAMES):
            body = b'{"ts": %d, "frame_jpeg": "%s"}' % (number, b"A" * FRAME_BYTES)
            robot.send_multipart([b"vision.frame.offload", body])
        robot.setsockopt(zmq.SNDHWM, 1000)
        for number in range(TOPICS):
            robot.send_multipart([b"voice.asr.request.%d" % number, b"{}"])
    time.sleep(3.0)
    return {"mb_after_flood": round(harness.product.link_memory_mb() - before, 1)}


def _p99_ms(harness: BenchHarness) -> float:
    took = []
    for _ in range(PROBES):
        began = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", harness.product.link_port, timeout=5)
        connection.request("GET", "/providers/capabilities")
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200
        took.append((time.perf_counter() - began) * 1000)
        connection.close()
        time.sleep(PROBE_EVERY_S)
    return round(sorted(took)[int(0.99 * len(took))], 1)


@contextmanager
def _texts(harness: BenchHarness) -> Iterator[None]:
    """Four clients request long texts all the time."""
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            with suppress(OSError, http.client.HTTPException):
                connection = http.client.HTTPConnection("127.0.0.1", harness.product.link_port, timeout=30)
                body = json.dumps({"prompt": "Tell me all about robots.", "max_tokens": 300})
                headers = {"Content-Type": "application/json"}
                connection.request("POST", "/providers/text/generate", body, headers)
                connection.getresponse().read()
                connection.close()
            over.wait(0.1)

    threads = [threading.Thread(target=ask, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(1.0)
    yield
    over.set()
    for thread in threads:
        thread.join(35)


@contextmanager
def _half_sent(harness: BenchHarness) -> Iterator[None]:
    with ExitStack() as stack:
        for _ in range(HALF_SENT):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", harness.product.link_port), 5))
            connection.sendall(b"POST /providers/text/generate HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n")
        yield


def _say(harness: BenchHarness, clip: AudioClip, microphone: zmq.Socket[bytes]) -> float:
    """Play `clip` to the microphone. Returns when its last loud sample was sent, in seconds since the epoch."""
    while microphone.poll(0):
        microphone.recv_multipart()
    harness.robot.say(clip)
    ended, deadline = 0.0, time.monotonic() + clip.duration_s + 5
    while time.monotonic() < deadline:
        if not microphone.poll(100):
            continue
        body = json.loads(microphone.recv_multipart()[1])
        loud = np.abs(np.frombuffer(base64.b64decode(body["chunk_pcm"]), "<i2").astype(int)) > LOUD
        if loud.any():
            ended = time.time() - (len(loud) - int(np.flatnonzero(loud)[-1])) / RATE
        elif ended and time.time() - ended > 0.4:
            break
    return ended

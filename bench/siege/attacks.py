"""Clients that occupy connections, and programs that write invalid data: each a loop of rounds until its time is over.

All on loopback, each from an address of its own: a limit on one client must not affect others.
"""

from __future__ import annotations

import base64
import json
import random
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

import httpx
import redis
import zmq

#: How long the connections of one round stay open, in seconds; and the pause before the next round.
HELD_S = 8.0
REST_S = 4.0
MANY = 300
ODD = [b"", b"nan", b"-inf", b"1e999", b"12x", b"9" * 400, b"\xff\xfe", b"{", b"null", b"[1]"]
FIELDS = [
    "status",
    "metadata",
    "attempts",
    "due_ts",
    "started_ts",
    "ended_at",
    "result",
    "problem",
    "data",
    "execution",
]
DIRTY = "\x1b[2J\x1b]0;owned\x07 first line\nsecond line \ud800 \u202e \x00 \x9b31m"


class Target:
    """
    Attributes:
        panel, link: Their ports on loopback.
        bus: The port to which publishers on the robot's bus connect.
        until: When to end, in seconds since the epoch.
    """

    def __init__(self, panel: int, link: int, bus: int, redis_url: str, password: str, until: float) -> None:
        self.panel, self.link, self.bus = panel, link, bus
        self.redis_url, self.until = redis_url, until
        self.key = b"Basic " + base64.b64encode(f"rider:{password}".encode())

    def rounds(self) -> Iterator[int]:
        number = 0
        while time.time() < self.until:
            yield number
            number += 1
            time.sleep(REST_S)


def hold(target: Target, port: int, source: str, number: int, data: bytes) -> None:
    """Open `number` connections, send `data` on each, and keep them open for `HELD_S`."""
    with ExitStack() as opened:
        for _ in range(number):
            with suppress(OSError):
                client = socket.create_connection(("127.0.0.1", port), 5, (source, 0))
                opened.enter_context(client)
                client.sendall(data)
        time.sleep(min(HELD_S, max(0.0, target.until - time.time())))


def refused(target: Target) -> None:
    for _ in target.rounds():
        hold(target, target.panel, "127.0.0.3", MANY, b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n")


def half_sent(target: Target) -> None:
    for number in target.rounds():
        port = target.link if number % 2 else target.panel
        hold(target, port, "127.0.0.4", MANY, b"GET / HTTP/1.1\r\nHost: local")


def idle_bodies(target: Target) -> None:
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: " + target.key
    for _ in target.rounds():
        hold(target, target.panel, "127.0.0.5", 70, head + b"\r\nContent-Length: 1000\r\n\r\n{")


def openings(target: Target) -> None:
    """Open Engine.IO sessions and never poll them, in turn with the panel's own origin and with a foreign one."""
    with _client("127.0.0.6") as client:
        for number in target.rounds():
            headers = {"Authorization": target.key.decode()}
            if number % 2:
                headers["Origin"] = "http://evil.example"
            for _ in range(150):
                with suppress(httpx.HTTPError):
                    client.get(f"http://127.0.0.1:{target.panel}/socket.io/?EIO=4&transport=polling", headers=headers)


def guesses(target: Target) -> None:
    with _client("127.0.0.7") as client:
        for number in target.rounds():
            for guess in range(400):
                key = base64.b64encode(f"rider:{number}-{guess}".encode()).decode()
                with suppress(httpx.HTTPError):
                    client.get(f"http://127.0.0.1:{target.panel}/", headers={"Authorization": f"Basic {key}"})


def odd_records(target: Target) -> None:
    """Invalid values in the fields of jobs, and keys of other types in their place."""
    connection = redis.Redis.from_url(target.redis_url)
    dice = random.Random(0)
    for number in target.rounds():
        for index in range(20):
            job_id = f"odd-{number}-{index}"
            metadata = "voice.synthesize|voice|normal|0|3|5.0|||0||odd"
            fields = {"status": "queued", "metadata": metadata, "origin": "voice", "data": "[]"}
            fields[dice.choice(FIELDS)] = dice.choice(ODD)  # type: ignore[assignment]
            connection.hset(f"rq:job:{job_id}", mapping=fields)  # type: ignore[arg-type]
            connection.rpush("rq:queue:voice", job_id)
        connection.set(f"rq:job:string-{number}", "x", ex=600)
        connection.rpush("rq:queue:voice", f"string-{number}", f"nobody-{number}")
        connection.hset("rider:metrics:unknown", "started", "many")
        connection.expire(f"rq:job:odd-{number}-0", 600)


def dirty_texts(target: Target) -> None:
    """Control characters in topics, texts, addresses and JSON; many keys, deep nesting."""
    many = json.dumps({f"k{number}": 1 for number in range(300_000)}).encode()
    deep = b"[" * 100_000
    key = {"Authorization": target.key.decode(), "Content-Type": "application/json"}
    with zmq.Context() as context, context.socket(zmq.PUB) as bus, _client("127.0.0.8") as client:
        bus.linger = 0
        bus.connect(f"tcp://127.0.0.1:{target.bus}")
        for number in target.rounds():
            dirty = DIRTY.encode("utf-8", "surrogatepass")
            quoted = json.dumps({"text": DIRTY, "id": DIRTY}).encode()
            for topic in (b"audio.transcript", b"voice.asr.request", b"vision.frame.offload", b"x" + dirty):
                for body in (dirty, b'{"text": "' + dirty + b'"}', quoted, deep):
                    bus.send_multipart([topic, body])
            chat = json.dumps({"model": DIRTY, "messages": DIRTY}).encode()
            for body in (deep, chat, many if number % 5 == 0 else b"{"):
                for url in (
                    f"http://127.0.0.1:{target.panel}/v1/chat/completions",
                    f"http://127.0.0.1:{target.link}/providers/text/generate",
                ):
                    with suppress(httpx.HTTPError):
                        client.post(url, content=body, headers=key)
            with suppress(httpx.HTTPError):
                client.get(f"http://127.0.0.1:{target.panel}/%1b%5b2J%0asecond", headers=key)


def _client(source: str) -> httpx.Client:
    return httpx.Client(transport=httpx.HTTPTransport(local_address=source), timeout=10, trust_env=False)


ATTACKS: dict[str, Callable[[Target], None]] = {
    attack.__name__: attack for attack in (refused, half_sent, idle_bodies, openings, guesses, odd_records, dirty_texts)
}

if __name__ == "__main__":
    name, panel, link, bus, redis_url, password, until = sys.argv[1:]
    ATTACKS[name](Target(int(panel), int(link), int(bus), redis_url, password, float(until)))

"""Plays a Rider-Pi towards a running Rider-PC and measures its voice: words, delays, silence, speech.

A program by itself, on purpose: of our code it knows how words are counted, and nothing of the link. It is the robot's
broker, its HTTP interface as far as voice needs it, its microphone and its loudspeaker.

    python tests/acceptance/robot_voice.py --wait-ready 120 --wav ../shared/media/beckett.wav

Exit status: 0 all limits kept, 1 one broken, 2 it could not be measured. The last line of the output is a JSON object.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import io
import itertools
import json
import random
import subprocess
import sys
import threading
import time
import wave
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import zmq

from rider_core.testing.waiting import let_pass
from rider_core.testing.words import aligned, word_error_rate, words_of

RATE = 16_000
CHUNK_S = 0.02
CHUNK_BYTES = 640
SILENCE_AROUND_S = 2.0
#: How long the microphone goes on after the sound, for answers that are late. Longer than any limit.
AFTERWARDS_S = 8.0
SILENCE_TEST_S = 60.0
#: Peak of the faint noise, in units of the 16-bit scale: about -50 dBFS, a quiet room with a fan.
NOISE_PEAK = 100

#: The limits of the acceptance.
MAX_WER = 0.15
MAX_LATENCY_S = 2.5
MAX_SILENCE_TEXTS = 0
MAX_FIRST_CHUNK_MS = 150.0
MAX_LENGTH_ERROR = 0.10

REFERENCE = "Ever tried. Ever failed. No matter. Try again. Fail again. Fail better."
POLISH = (
    "Dzień dobry, jestem małym robotem na dwóch kołach i chętnie opowiem o swoim dniu. Rano jeździłem po kuchni, "
    "omijałem krzesła i szukałem kota, który schował się pod stołem. Potem słuchałem muzyki, patrzyłem przez okno na "
    "ogród i liczyłem ptaki siedzące na płocie. Teraz wracam do stacji, aby naładować baterię, a wieczorem znowu "
    "porozmawiamy o pogodzie, ciekawych książkach i dalekich podróżach."
)

REQUEST, RESULT = "voice.asr.request", "voice.asr.result"
#: `str.strip`, by which the robot decides, keeps it.
INVISIBLE = "\N{ZERO WIDTH SPACE}"
TTS_REQUEST, TTS_CHUNK = "voice.tts.request", "voice.tts.chunk"


class CannotMeasure(Exception):
    """The other side is not there, or a file is not what it should be."""


# ---------------------------------------------------------------- the robot


class Api:
    """The robot's HTTP interface: heartbeats in, state out, domains switched by PATCH."""

    def __init__(self, host: str, port: int) -> None:
        self.lock = threading.Lock()
        self.pc_url = ""
        self.heartbeats = 0
        state = {"mode": "pc", "status": "pc_pending", "changed_ts": time.time(), "reason": "acceptance"}
        self.domains: dict[str, dict[str, Any]] = {
            "voice": state,
            "vision": {**state, "mode": "local", "status": "local_only"},
            "text": {**state, "mode": "local", "status": "local_only"},
        }
        self.patches: list[str] = []
        self._server = ThreadingHTTPServer((host, port), _handler(self))
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def voice_mode(self) -> str:
        with self.lock:
            return str(self.domains["voice"]["mode"])

    def answer(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        with self.lock:
            health = {
                "reachable": self.heartbeats > 0,
                "status": "online",
                "latency_ms": None,
                "updated_ts": time.time(),
                "reason": "heartbeat",
            }
            if (method, path) == ("POST", "/api/providers/pc-heartbeat"):
                if not body.get("base_url"):
                    return 400, {"error": "base_url is required"}
                self.pc_url, self.heartbeats = str(body["base_url"]), self.heartbeats + 1
                return 200, {"ok": True, "base_url": self.pc_url}
            if (method, path) == ("GET", "/api/providers/state"):
                return 200, {"domains": self.domains, "pc_base_url": self.pc_url, "pc_health": health}
            if (method, path) == ("GET", "/api/providers/health"):
                return 200, {"pc_health": health}
            if (method, path) == ("GET", "/api/system/ai-mode"):
                return 200, {"mode": "pc_offload", "changed_ts": 0.0}
            if method == "GET" and path in ("/healthz", "/state", "/sysinfo"):
                return 200, {"ok": True, "ts": time.time()}
            domain = path.removeprefix("/api/providers/")
            if method == "PATCH" and domain in self.domains:
                return self._patch(domain, body)
        return 404, {"error": "not found"}

    def _patch(self, domain: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        target, state = body.get("target"), self.domains[domain]
        if target not in ("local", "pc"):
            return 400, {"error": "target must be 'local' or 'pc'"}
        changed = state["mode"] != target
        if changed:
            status = "pc_pending" if target == "pc" else "local_only"
            state.update(mode=target, status=status, changed_ts=time.time(), reason=body.get("reason") or "manual")
            self.patches.append(f"{domain} to {target}: {state['reason']}")
        return 200, {"domain": domain, "state": dict(state), "changed": changed}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


def _handler(api: Api) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 10

        def _reply(self) -> None:
            length = min(int(self.headers.get("Content-Length") or 0), 1_000_000)
            try:
                body = json.loads(self.rfile.read(length) or b"{}")
            except ValueError:
                body = {}
            path = self.path.partition("?")[0]
            status, answer = api.answer(self.command, path, body if isinstance(body, dict) else {})
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_PUT = _reply  # noqa: N815  (the names are http.server's)

        def log_message(self, *_: object) -> None:
            """Nothing: the table is the output."""

    return Handler


class Broker:
    """XSUB and XPUB, as on the robot. Ends when its context is terminated."""

    def __init__(self, host: str, publish_port: int, subscribe_port: int) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        ends = self._context.socket(zmq.XSUB), self._context.socket(zmq.XPUB)
        self.urls = []
        for end, port in zip(ends, (publish_port, subscribe_port), strict=True):
            end.linger = 0
            number = end.bind_to_random_port(f"tcp://{host}") if port == 0 else port
            if port:
                end.bind(f"tcp://{host}:{port}")
            self.urls.append(f"tcp://{host}:{number}")
        self._thread = threading.Thread(target=self._run, args=ends, daemon=True)
        self._thread.start()

    @staticmethod
    def _run(incoming: zmq.Socket[bytes], outgoing: zmq.Socket[bytes]) -> None:
        try:
            zmq.proxy(incoming, outgoing)
        except zmq.ContextTerminated:
            incoming.close(0)
            outgoing.close(0)

    def close(self) -> None:
        self._context.term()
        self._thread.join(5)


@dataclass
class Message:
    """Something that the PC sent; `at` is on the monotonic clock."""

    at: float
    topic: str
    body: dict[str, Any]


@dataclass
class Robot:
    """Microphone and loudspeaker. One thread, both sockets."""

    broker_urls: Sequence[str]
    received: list[Message] = field(default_factory=list)
    refused: int = 0

    def __post_init__(self) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        # An XPUB publishes like a PUB, and besides it sees who subscribes: the broker passes that on.
        self._publisher = self._context.socket(zmq.XPUB)
        self._subscriber = self._context.socket(zmq.SUB)
        for end in (self._publisher, self._subscriber):
            end.linger = 0
        for topic in (RESULT, TTS_CHUNK):
            self._subscriber.subscribe(topic)
        self._publisher.connect(self.broker_urls[0])
        self._subscriber.connect(self.broker_urls[1])
        self._subscriptions: set[bytes] = set()

    def close(self) -> None:
        self._context.destroy(linger=0)

    def heard_by(self, topic: str) -> bool:
        """Whether somebody subscribes to `topic`."""
        while self._publisher.poll(0):
            change = self._publisher.recv()
            (self._subscriptions.add if change[:1] == b"\x01" else self._subscriptions.discard)(change[1:])
        return any(topic.encode().startswith(prefix) for prefix in self._subscriptions)

    def send(self, topic: str, body: dict[str, Any]) -> float:
        self._publisher.send_multipart([topic.encode(), json.dumps(body, ensure_ascii=False).encode()])
        return time.monotonic()

    def stream(self, pcm: bytes, until: Callable[[], bool] = lambda: False) -> float:
        """Send `pcm` in real time, take in what comes, and return the moment (monotonic) at which it began.

        A piece is sent when its last sample has been heard, so position p of the sound was heard at begin + p.
        """
        begin = time.monotonic()
        for number, start in enumerate(range(0, len(pcm), CHUNK_BYTES), 1):
            self._take_in(begin + number * CHUNK_S)
            piece = pcm[start : start + CHUNK_BYTES].ljust(CHUNK_BYTES, b"\0")
            chunk = base64.b64encode(piece).decode()
            self.send(REQUEST, {"ts": time.time(), "rate": RATE, "len": len(piece), "chunk_pcm": chunk})
            if until():
                break
        return begin

    def _take_in(self, until: float) -> None:
        while True:
            left_ms = (until - time.monotonic()) * 1000
            if not self._subscriber.poll(max(0, int(left_ms))):
                # poll counts in whole milliseconds; the rest of one is waited for so.
                let_pass(max(0.0, until - time.monotonic()), "the sound of this piece")
                return
            frames = self._subscriber.recv_multipart()
            now = time.monotonic()
            try:
                body = json.loads(frames[1])
            except (ValueError, IndexError):
                body = None
            if isinstance(body, dict):
                self.received.append(Message(now, frames[0].decode("utf-8", "replace"), body))
            else:
                self.refused += 1
            if now >= until:
                return

    def texts(self) -> list[Message]:
        """The results with a text that a person could read; those that only keep the robot's voice have none."""
        results = (message for message in self.received if message.topic == RESULT)
        return [message for message in results if str(message.body.get("text") or "").replace(INVISIBLE, "").strip()]


# ---------------------------------------------------------------- what was said, and when


@dataclass(frozen=True)
class Run:
    """A stretch of the sound that is loud, in seconds."""

    start: float
    end: float


def loud_runs(samples: Sequence[int], gap_s: float) -> list[Run]:
    """The loud stretches of the sound.

    The difference of neighbouring samples is looked at, which takes away rumble: in beckett.wav that is as loud below
    300 Hz as a voice, and outlasts every sentence. A frame of 10 ms is loud when its RMS is above a fifteenth of the
    95th percentile of all frames. Stretches closer than `gap_s` are one, since a stop consonant is silent; what is
    shorter than 50 ms then is a click and dropped. The end of a stretch is the end of its last loud frame. For
    beckett.wav that gives 1.13, 2.73, 4.10, 5.45, 7.27 and 8.77 s; a threshold twice as high moves none of them by
    more than 80 ms, and forwards, so the delays come out rather long than short.
    """
    step = RATE // 100
    steps = [after - before for before, after in itertools.pairwise(samples)]
    levels = []
    for start in range(0, len(steps) - step + 1, step):
        frame = steps[start : start + step]
        levels.append((sum(value * value for value in frame) / step) ** 0.5)
    threshold = sorted(levels)[int(len(levels) * 0.95)] / 15
    runs: list[Run] = []
    for index, level in enumerate(levels):
        if level <= threshold:
            continue
        start, end = index / 100, (index + 1) / 100
        if runs and start - runs[-1].end < gap_s:
            runs[-1] = Run(runs[-1].start, end)
        else:
            runs.append(Run(start, end))
    return [run for run in runs if run.end - run.start >= 0.05]


def utterances(samples: Sequence[int], count: int) -> list[Run]:
    """The `count` sentences: the loud stretches with the widest gap that gives just so many."""
    for gap_ms in range(600, 90, -10):
        runs = loud_runs(samples, gap_ms / 1000)
        if len(runs) == count:
            return runs
    raise CannotMeasure(f"the sound does not fall into {count} sentences by its pauses; give them with --ends")


def sentences_of(text: str) -> list[list[str]]:
    parts = text.replace("!", ".").replace("?", ".").split(".")
    return [words for words in map(words_of, parts) if words]


# ---------------------------------------------------------------- the measurements


@dataclass
class Figures:
    """What was measured; None: that part did not run."""

    wer: float | None = None
    results: list[str] = field(default_factory=list)
    latency_s: list[float] = field(default_factory=list)
    latency_max_s: float | None = None
    silence_texts: int | None = None
    tts_first_chunk_ms: float | None = None
    tts_length_ratio: float | None = None
    broken: list[str] = field(default_factory=list)

    def check(self, name: str, value: str, limit: str, kept: bool) -> None:
        print(f"{name:<34} {value:>16}   limit {limit:<10} {'ok' if kept else 'BROKEN'}")
        if not kept:
            self.broken.append(name)


def measure_words(robot: Robot, figures: Figures, pcm: bytes, text: str, ends: list[float]) -> None:
    samples = array("h", pcm)
    if sys.byteorder == "big":
        samples.byteswap()
    sentences = sentences_of(text)
    if not ends:
        ends = [run.end for run in utterances(samples, len(sentences))]
    if len(ends) != len(sentences):
        raise CannotMeasure(f"--ends has {len(ends)} times, the text has {len(sentences)} sentences")
    print("sentences end at " + ", ".join(f"{end:.2f}" for end in ends) + " s of the sound")
    around = bytes(int(SILENCE_AROUND_S * RATE) * 2)
    before = len(robot.texts())
    begin = robot.stream(around + pcm + around) + SILENCE_AROUND_S
    robot.stream(bytes(int(AFTERWARDS_S * RATE) * 2))
    texts = robot.texts()[before:]

    spoken = [words_of(str(message.body["text"])) for message in texts]
    reference = [word for sentence in sentences for word in sentence]
    sentence_of_word = [number for number, sentence in enumerate(sentences) for _ in sentence]
    heard = [word for words in spoken for word in words]
    places = aligned(reference, heard)
    figures.wer = word_error_rate(reference, heard)
    print(f"\n{'arrived':>8} {'delay':>7}  text")
    position = 0
    for message, words in zip(texts, spoken, strict=True):
        position += len(words)
        arrived = message.at - begin
        if words:
            end = ends[sentence_of_word[places[position - 1]]]
        else:
            end = max((end for end in ends if end <= arrived), default=0.0)
        if end > arrived:
            # A part of a sentence that came before the sentence's end: measured from the last pause before it came.
            end = max((run.end for run in loud_runs(samples, 0.1) if run.end <= arrived), default=0.0)
        figures.latency_s.append(round(arrived - end, 3))
        figures.results.append(str(message.body["text"]))
        print(f"{arrived:>7.2f}s {arrived - end:>6.2f}s  {message.body['text']!r} [{message.body.get('language')}]")
    print()
    figures.latency_max_s = max(figures.latency_s, default=None)
    figures.check("word error rate", f"{figures.wer:.3f}", f"{MAX_WER}", figures.wer <= MAX_WER)
    slowest = figures.latency_max_s
    shown = "no result" if slowest is None else f"{slowest:.2f} s"
    figures.check("slowest result", shown, f"{MAX_LATENCY_S} s", slowest is not None and slowest <= MAX_LATENCY_S)


def measure_silence(robot: Robot, figures: Figures, name: str, pcm: bytes) -> None:
    before = len(robot.texts())
    robot.stream(pcm)
    # What the last second may still bring.
    robot.stream(bytes(int(3 * RATE) * 2))
    invented = [str(message.body["text"]) for message in robot.texts()[before:]]
    figures.silence_texts = (figures.silence_texts or 0) + len(invented)
    seconds = len(pcm) / RATE / 2
    shown = str(len(invented))
    figures.check(
        f"texts in {seconds:.0f} s of {name}", shown, str(MAX_SILENCE_TEXTS), len(invented) <= MAX_SILENCE_TEXTS
    )
    for text in invented:
        print(f"    {text!r}")


def measure_speech(robot: Robot, figures: Figures, voice: str) -> None:
    if not robot.heard_by(TTS_REQUEST):
        raise CannotMeasure(f"nobody subscribes to {TTS_REQUEST}")
    before = len(robot.received)
    sent = robot.send(TTS_REQUEST, {"text": POLISH, "voice": voice})

    def chunks() -> list[Message]:
        return [message for message in robot.received[before:] if message.topic == TTS_CHUNK]

    def over() -> bool:
        """There is no end mark: longer than any piece plays, none has come."""
        found = chunks()
        return bool(found) and time.monotonic() - found[-1].at > 4.0

    # The microphone goes on meanwhile, as on the robot.
    robot.stream(bytes(60 * RATE * 2), until=over)
    found = chunks()
    first_ms = (found[0].at - sent) * 1000 if found else None
    figures.tts_first_chunk_ms = None if first_ms is None else round(first_ms, 1)
    shown = "no chunk" if first_ms is None else f"{first_ms:.0f} ms"
    kept = first_ms is not None and first_ms <= MAX_FIRST_CHUNK_MS
    figures.check("first chunk of speech", shown, f"{MAX_FIRST_CHUNK_MS:.0f} ms", kept)
    lengths, problems = [], []
    for message in found:
        try:
            lengths.append(wav_length_s(message.body))
        except ValueError as problem:
            problems.append(str(problem))
    figures.check("chunks that are no WAV file", f"{len(problems)} of {len(found)}", "0", not problems and bool(found))
    for problem in problems[:5]:
        print(f"    {problem}")
    wanted_s = espeak_length_s(POLISH, voice)
    ratio = sum(lengths) / wanted_s
    figures.tts_length_ratio = round(ratio, 4)
    shown = f"{sum(lengths):.2f}/{wanted_s:.2f} s"
    kept = abs(ratio - 1) <= MAX_LENGTH_ERROR
    figures.check("length, ours/espeak-ng", shown, f"{MAX_LENGTH_ERROR:.0%}", kept)


def wav_length_s(body: dict[str, Any]) -> float:
    """The length of a chunk that is a WAV file by itself; ValueError where the robot could not play it."""
    encoded = body.get("audio") or body.get("data") or body.get("chunk")
    if not isinstance(encoded, str):
        raise ValueError(f"no audio under audio, data or chunk: {sorted(body)}")
    if body.get("format", "wav") != "wav":
        raise ValueError(f"its format is {body['format']!r}")
    try:
        with wave.open(io.BytesIO(base64.b64decode(encoded, validate=True))) as reader:
            frames, rate, width = reader.getnframes(), reader.getframerate(), reader.getsampwidth()
            data = reader.readframes(frames)
            if width != 2 or reader.getnchannels() != 1 or not frames or len(data) != frames * width:
                raise ValueError(f"{frames} frames promised, {len(data)} bytes there, {width * 8} bit")
    except (binascii.Error, wave.Error, EOFError) as error:
        raise ValueError(f"not a WAV file: {error}") from None
    return frames / rate


def espeak_length_s(text: str, voice: str) -> float:
    """What the espeak-ng program makes of the text. Its streamed header has no length, so bytes are counted."""
    command = ["espeak-ng", "-v", voice, "--stdout", text]
    try:
        wav = subprocess.run(command, check=True, capture_output=True, timeout=60).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise CannotMeasure(f"the program espeak-ng is needed to compare with (Debian: espeak-ng): {error}") from None
    at = wav.index(b"data") + 8
    return (len(wav) - at) / 2 / int.from_bytes(wav[24:28], "little")


def wait_until_ready(robot: Robot, api: Api, timeout_s: float, *, heartbeat: bool) -> None:
    """Until somebody subscribes to the microphone and, with `heartbeat`, has said so and has not handed voice back.

    It sleeps between its looks: there is nothing to measure yet.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        missing = []
        if not robot.heard_by(REQUEST):
            missing.append(f"a subscription to {REQUEST}")
        if heartbeat and api.heartbeats == 0:
            missing.append("a heartbeat")
        if heartbeat and api.voice_mode() != "pc":
            missing.append("voice in mode pc")
        if not missing:
            return
        if time.monotonic() > deadline:
            history = f"; switches: {'; '.join(api.patches)}" if api.patches else ""
            raise CannotMeasure(f"{timeout_s:.0f} s passed without {' and '.join(missing)}{history}")
        let_pass(0.1, "the link may still be starting")


def read_wav(path: Path) -> bytes:
    try:
        with wave.open(str(path)) as reader:
            if (reader.getframerate(), reader.getnchannels(), reader.getsampwidth()) != (RATE, 1, 2):
                raise CannotMeasure(f"{path} is not 16 kHz, mono, 16 bit")
            return reader.readframes(reader.getnframes())
    except (OSError, wave.Error, EOFError) as error:
        raise CannotMeasure(f"{path}: {error}") from None


def noise(seconds: float) -> bytes:
    dice = random.Random(1)
    samples = array("h", (dice.randint(-NOISE_PEAK, NOISE_PEAK) for _ in range(int(seconds * RATE))))
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--publish-port", type=int, default=5555, help="of the broker (XSUB); 0: a free one")
    parser.add_argument("--subscribe-port", type=int, default=5556, help="of the broker (XPUB); 0: a free one")
    parser.add_argument("--api-port", type=int, default=8080, help="of the HTTP interface; 0: a free one")
    parser.add_argument(
        "--wait-ready", type=float, metavar="S", help="wait so long for a heartbeat and voice on pc, too"
    )
    parser.add_argument("--asr", action="store_true", help="run this part (default: all three)")
    parser.add_argument("--silence", action="store_true", help="run this part")
    parser.add_argument("--tts", action="store_true", help="run this part")
    parser.add_argument("--noise", action="store_true", help="as much faint noise after the silence")
    parser.add_argument("--silence-s", type=float, default=SILENCE_TEST_S, help="length of the silence, in seconds")
    parser.add_argument("--wav", type=Path, default=Path("../shared/media/beckett.wav"))
    parser.add_argument("--text", default=REFERENCE, help="what is said in it")
    parser.add_argument("--ends", default="", help="when its sentences end, in seconds: 1.4,3.1,... (default: found)")
    parser.add_argument("--tts-voice", default="pl")
    chosen = parser.parse_args()
    if not (chosen.asr or chosen.silence or chosen.tts):
        chosen.asr = chosen.silence = chosen.tts = True
    return chosen


def measure(chosen: argparse.Namespace, robot: Robot, api: Api, figures: Figures) -> None:
    wait_until_ready(robot, api, chosen.wait_ready or 30.0, heartbeat=chosen.wait_ready is not None)
    if chosen.asr:
        ends = [float(end) for end in chosen.ends.split(",") if end]
        measure_words(robot, figures, read_wav(chosen.wav), chosen.text, ends)
    if chosen.silence:
        measure_silence(robot, figures, "silence", bytes(int(chosen.silence_s * RATE) * 2))
    if chosen.noise:
        measure_silence(robot, figures, "faint noise", noise(chosen.silence_s))
    if chosen.tts:
        measure_speech(robot, figures, chosen.tts_voice)


def main() -> int:
    chosen = arguments()
    figures, problem = Figures(), ""
    broker = Broker(chosen.host, chosen.publish_port, chosen.subscribe_port)
    api = Api(chosen.host, chosen.api_port)
    robot = Robot(broker.urls)
    try:
        print(
            f"publish to {broker.urls[0]}, subscribe to {broker.urls[1]}, http://{chosen.host}:{api.port}", flush=True
        )
        measure(chosen, robot, api, figures)
    except CannotMeasure as error:
        problem = str(error)
        print(f"cannot measure: {problem}", file=sys.stderr)
    finally:
        robot.close()
        api.close()
        broker.close()
    for patch in api.patches:
        print(f"switched meanwhile: {patch}")
    if robot.refused:
        print(f"{robot.refused} messages that the robot could not have read")
        figures.broken.append("unreadable messages")
    print(json.dumps({**vars(figures), "problem": problem} if problem else vars(figures), ensure_ascii=False))
    if problem:
        return 2
    return 1 if figures.broken else 0


if __name__ == "__main__":
    sys.exit(main())

"""Measures the voice of a running Rider-PC from the robot's side: words, delays, silence, speech.

A program that shares no code with the link: it is the robot's broker, its HTTP interface as far as voice needs it, its
microphone and its loudspeaker (`stand_in_robot`).

    python tests/acceptance/robot_voice.py --wait-ready 120 --wav beckett.wav

Exit status: 0 all limits kept, 1 one broken, 2 it could not be measured. The last line of the output is a JSON object.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
import wave
from array import array
from pathlib import Path

from sentence_ends import CannotMeasure
from stand_in_robot import RATE, REQUEST, Api, Broker, Robot
from voice_figures import Figures, measure_silence, measure_speech, measure_words

from rider_core.testing.waiting import let_pass

SILENCE_TEST_S = 60.0
#: Peak of the faint noise, in units of the 16-bit scale: about -50 dBFS, a quiet room with a fan.
NOISE_PEAK = 100
REFERENCE = "Ever tried. Ever failed. No matter. Try again. Fail again. Fail better."


def wait_until_ready(robot: Robot, api: Api, timeout_s: float, *, heartbeat: bool) -> None:
    """Wait for a subscriber to the microphone, and with `heartbeat` also for a heartbeat and voice in mode pc."""
    deadline = time.monotonic() + timeout_s
    while True:
        missing = []
        if not robot.has_subscriber(REQUEST):
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
        "--wait-ready", type=float, metavar="S", help="seconds to wait for a heartbeat and voice in mode pc, too"
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

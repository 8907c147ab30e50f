"""A sequence of faults over half an hour: `bench/link/day.py`. For each the time until the robot is safe and recovered.

Safe: the last obstacle report stops the robot, or its own detectors run. Recovered: all domains are at the PC, the
microphone streams, results come, and the last obstacle report comes from an analysed frame. The robot is the simulated
one; `run_day` takes any other, such as the real one's own modules.
"""

from __future__ import annotations

import argparse
import json
import signal
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from harness import BenchHarness, running_product
from product import LINK, WORKER
from rich.console import Console
from rich.table import Table
from robots import FRAME, RESULT, NotReached, Robot, Simulated, seconds_until

from rider_core.api import AudioClip
from rider_core.cli.simulated_voice import engine_voice
from rider_core.config import load_settings
from rider_core.link.keepalive import INVISIBLE

#: About 25 s without a pause and without repetitions, which the plugin of Whisper drops as hallucinations.
LONG_SENTENCE = (
    "Yesterday in the morning my brother and I walked down the long road to the river where we saw seven white ducks "
    "and an old man with a green hat who asked us whether we knew the way to the station because his train to London "
    "would leave at half past nine and he had forgotten his map at home on the kitchen table next to the bread and "
    "milk and a glass of dark honey that his sister had brought from the mountains when she came to see him last summer"
)
LIMIT_S = 180.0
PAUSE_S = 5.0


@dataclass
class Outcome:
    """One event. `safe_s`: from its start until the robot is safe. `back_s`: from its end until recovery."""

    what: str
    safe_s: float | None = None
    back_s: float | None = None
    voice_restarts: int = 0
    notes: dict[str, float | int | str] = field(default_factory=dict)


class Day:
    def __init__(
        self, harness: BenchHarness, speak: Callable[[str, str], AudioClip], long_sleep_s: float, silence_s: float
    ) -> None:
        self._harness, self._speak, self._long_sleep_s, self._silence_s = harness, speak, long_sleep_s, silence_s
        self._robot, self._product, self._observer = harness.robot, harness.product, harness.observer
        self._console = Console(stderr=True)
        self.outcomes: list[Outcome] = []

    def run(self) -> None:
        events: list[tuple[str, Callable[[Outcome], None]]] = [
            (f"silence, {self._silence_s:g} s", lambda it: self._stays(it, self._silence_s)),
            ("a conversation", self._conversation),
            ("a sentence of 25 s", self._long_sentence),
            ("a person interrupts an answer", self._interrupted),
            ("the camera freezes", self._frozen),
            ("workers are killed", lambda it: self._killed(it, WORKER)),
            ("the link is killed", lambda it: self._killed(it, LINK)),
            ("the PC is suspended for 25 s", lambda it: self._asleep(it, 25.0)),
            ("the broker restarts", self._broker),
            ("the robot's API restarts", self._api),
            ("nothing reaches the robot", lambda it: self._cut(it, to_robot=True)),
            ("nothing comes from the robot", lambda it: self._cut(it, to_robot=False)),
            ("the robot is off for 60 s", self._off),
            (f"the PC is suspended for {self._long_sleep_s:g} s", lambda it: self._asleep(it, self._long_sleep_s)),
        ]
        for what, run_event in events:
            with suppress(NotReached):
                self._observer.make_ready(60.0)
            time.sleep(PAUSE_S)
            restarts = self._observer.voice_restarts
            outcome = Outcome(what)
            self._console.print(f"{time.strftime('%H:%M:%S')} {what}")
            try:
                run_event(outcome)
            except NotReached as error:
                outcome.notes["NOT"] = str(error)
            outcome.voice_restarts = self._observer.voice_restarts - restarts
            self._console.print(f"  {outcome}")
            self.outcomes.append(outcome)

    def _stays(self, outcome: Outcome, seconds: float) -> None:
        """Count the polls, four a second, at which a domain was not at the PC; and the invisible texts."""
        began, away = time.monotonic(), 0
        while time.monotonic() - began < seconds:
            time.sleep(0.25)
            away += set(self._observer.modes().values()) != {"pc"}
        outcome.notes["polls at which a domain was not at the PC"] = away
        outcome.notes["invisible texts"] = len(self._texts(began, INVISIBLE))

    def _texts(self, since: float, text: str | None = None) -> list[str]:
        texts = [str(it.body.get("text")) for it in self._observer.messages(RESULT) if it.at >= since]
        return [it for it in texts if (it == text if text else it != INVISIBLE)]

    def _conversation(self, outcome: Outcome) -> None:
        for sentence in ("What is your name?", "Tell me a story about a robot.", "Thank you very much."):
            began, played_s = time.monotonic(), self._robot.played_s()
            self._robot.say(self._speak(sentence, "en"))
            seconds_until(lambda began=began: self._texts(began), 20.0, f"{sentence!r} was understood")  # type: ignore[misc]
            outcome.notes[sentence] = self._texts(began)[0]
            seconds_until(lambda was=played_s: self._robot.played_s() > was, 20.0, f"{sentence!r} was answered")  # type: ignore[misc]
            self._until_silent()
            outcome.notes[f"{sentence} played, s"] = round(self._robot.played_s() - played_s, 1)
        self._back(outcome)

    def _until_silent(self) -> float:
        """Wait until nothing has been played for 4 s. Returns when the last sound began (monotonic)."""
        began = last = time.monotonic()
        played_s = self._robot.played_s()
        while time.monotonic() - last < 4.0 and time.monotonic() - began < LIMIT_S:
            time.sleep(0.2)
            if self._robot.played_s() > played_s:
                last, played_s = time.monotonic(), self._robot.played_s()
        return last

    def _long_sentence(self, outcome: Outcome) -> None:
        clip = self._speak(LONG_SENTENCE, "en")
        began = time.monotonic()
        self._robot.say(clip)
        self._stays(outcome, clip.duration_s + 3.0)
        outcome.notes["spoken, s"] = round(clip.duration_s, 1)
        seconds_until(lambda: self._texts(began), 20.0, "the long sentence was understood")
        outcome.notes["words understood"] = len(" ".join(self._texts(began)).split())

    def _interrupted(self, outcome: Outcome) -> None:
        """A person speaks over the robot, whose microphone is silent while it plays."""
        played_s = self._robot.played_s()
        self._robot.say(self._speak("Tell me a long story about a robot and a cat.", "en"))
        seconds_until(lambda: self._robot.played_s() > played_s, 30.0, "the question was answered")
        clip = self._speak(LONG_SENTENCE, "en")
        began = time.monotonic()
        self._robot.say(clip)
        outcome.notes["silent after, s"] = round(self._until_silent() - began, 1)
        seconds_until(lambda: self._texts(began), 30.0, "the person was understood")
        outcome.notes["understood"], played_s = self._texts(began)[0], self._robot.played_s()
        # The sentence is answered as well, and the microphone is silent until the answer has been played.
        with suppress(NotReached):
            seconds_until(lambda: self._robot.played_s() > played_s, 20.0, "the person was answered")
        self._until_silent()
        self._back(outcome)

    def _frozen(self, outcome: Outcome) -> None:
        self._robot.freeze(True)
        self._safe(outcome)
        time.sleep(PAUSE_S)
        self._robot.freeze(False)
        self._back(outcome)

    def _killed(self, outcome: Outcome, command: str) -> None:
        self._product.signal(signal.SIGKILL, command)
        self._safe_or_served(outcome)
        self._back(outcome)

    def _asleep(self, outcome: Outcome, seconds: float) -> None:
        began = time.monotonic()
        with self._product.stopped():
            self._safe(outcome)
            time.sleep(max(0.0, began + seconds - time.monotonic()))
        self._back(outcome)

    def _broker(self, outcome: Outcome) -> None:
        self._robot.set_broker(False)
        self._safe(outcome)
        time.sleep(PAUSE_S)
        self._robot.set_broker(True)
        self._back(outcome)

    def _api(self, outcome: Outcome) -> None:
        self._robot.set_api(False)
        time.sleep(PAUSE_S)
        self._robot.set_api(True)
        self._back(outcome)

    def _cut(self, outcome: Outcome, *, to_robot: bool) -> None:
        tunnel = self._product.to_robot if to_robot else self._product.from_robot
        tunnel.cut()
        try:
            self._safe(outcome)
            time.sleep(PAUSE_S)
        finally:
            tunnel.mend()
        self._back(outcome)

    def _off(self, outcome: Outcome) -> None:
        self._robot.set_power(False)
        time.sleep(60.0)
        self._robot.set_power(True)
        self._back(outcome)

    def _safe(self, outcome: Outcome) -> None:
        outcome.safe_s = round(seconds_until(self._observer.is_safe, 60.0, "the robot is safe"), 2)

    def _safe_or_served(self, outcome: Outcome) -> None:
        """A process that is restarted at once may serve again before the robot has to stop."""
        began = time.monotonic()
        last = self._observer.last(FRAME)

        def settled() -> bool:
            return self._observer.is_safe() or (time.monotonic() - began > 8.0 and self._observer.is_served())

        took_s = seconds_until(settled, 60.0, "the robot is safe")
        if took_s < 8.0:
            outcome.safe_s = round(took_s, 2)
        else:
            outcome.notes["served without a failover"] = str(last is not None)

    def _back(self, outcome: Outcome) -> None:
        outcome.back_s = round(seconds_until(self._observer.is_served, LIMIT_S, "all is back"), 2)


def run_day(robot: Robot, long_sleep_s: float, keep_log: Path | None = None, silence_s: float = 60.0) -> list[Outcome]:
    """Run all events with this robot, which runs already."""
    speak = engine_voice(load_settings())
    if speak is None:
        raise SystemExit("no speech engine is installed: the microphone's sounds cannot be made")
    with tempfile.TemporaryDirectory(prefix="b") as name:
        try:
            with running_product(Path(name), robot) as harness:
                day = Day(harness, speak, long_sleep_s, silence_s)
                day.run()
                return day.outcomes
        finally:
            if keep_log is not None:
                keep_log.write_bytes((Path(name) / "up.log").read_bytes())


def show(outcomes: list[Outcome]) -> None:
    table = Table("what happened", "safe after, s", "back after, s", "voice restarted", "notes")
    for it in outcomes:
        notes = "; ".join(f"{name}: {value}" for name, value in it.notes.items())
        cells = ("" if value is None else f"{value:g}" for value in (it.safe_s, it.back_s))
        table.add_row(it.what, *cells, str(it.voice_restarts), notes)
    Console(width=150).print(table)
    print(json.dumps([asdict(it) for it in outcomes]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--long-sleep", type=float, default=600.0, help="seconds that the PC is suspended at the end")
    parser.add_argument("--silence", type=float, default=60.0, help="seconds of silence at the beginning")
    parser.add_argument("--log", type=Path, help="file that keeps the product's log")
    options = parser.parse_args()
    robot = Simulated()
    try:
        show(run_day(robot, options.long_sleep, options.log, options.silence))
    finally:
        robot.close()


if __name__ == "__main__":
    main()

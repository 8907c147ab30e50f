"""Sound that the microphone recorded during playback comes in a burst afterwards, and is the robot's own voice."""

from __future__ import annotations

from rider_core.link.echo_suppressor import BACKLOG_S, BURST_S, LATE_S, EchoSuppressor

CHUNK_S = 0.02


class Microphone:
    """Feeds chunks at given times, and sums up the sound that is not suppressed."""

    def __init__(self) -> None:
        self.plays_until = 0.0
        self.echo_suppressor = EchoSuppressor(lambda: self.plays_until)
        self.now = 1_000.0
        self.passed_s = 0.0

    def stream(self, seconds: float, every_s: float = CHUNK_S) -> float:
        """Feed `seconds` of sound, a chunk every `every_s` seconds. Returns the seconds that are not suppressed."""
        before = self.passed_s
        for _ in range(round(seconds / CHUNK_S)):
            self.now += every_s
            if not self.echo_suppressor.is_echo(self.now, CHUNK_S):
                self.passed_s += CHUNK_S
        return round(self.passed_s - before, 2)

    def burst(self, seconds: float) -> float:
        return self.stream(seconds, every_s=0.001)


def test_what_comes_after_a_sound_is_the_robot_and_what_is_said_then_a_person() -> None:
    microphone = Microphone()
    assert microphone.stream(1.0) == 1.0
    microphone.plays_until = microphone.now + 1.6
    assert microphone.stream(0.2) == 0.2, "playback begins a little later"
    microphone.now += 1.6
    assert microphone.burst(1.6) == 0.0
    microphone.stream(BURST_S)
    assert microphone.stream(2.0) == 2.0


def test_the_microphone_is_dropped_between_the_chunks_of_a_long_answer() -> None:
    microphone = Microphone()
    microphone.stream(1.0)
    for _ in range(20):
        microphone.plays_until = microphone.now + 1.6
        microphone.now += 1.7
        assert microphone.stream(CHUNK_S) == 0.0
    microphone.now += 1.6  # playback lasts longer than estimated
    assert LATE_S > 1.6
    assert microphone.burst(2.5) == 0.0


def test_a_microphone_that_streams_during_playback_is_not_dropped() -> None:
    """The stream does not pause, so the sound is live, and a person may interrupt."""
    microphone = Microphone()
    microphone.stream(1.0)
    microphone.plays_until = microphone.now + 10
    assert microphone.stream(5.0) == 5.0


def test_a_hiccup_of_the_network_costs_nothing_that_was_said() -> None:
    microphone = Microphone()
    microphone.stream(1.0)
    microphone.now += 0.8
    assert microphone.burst(0.8) == 0.8


def test_no_more_than_the_robots_buffers_is_dropped() -> None:
    microphone = Microphone()
    microphone.stream(1.0)
    microphone.plays_until = microphone.now + 1.6
    microphone.now += 1.6
    microphone.stream(BACKLOG_S, every_s=0.0001)
    assert microphone.stream(1.0, every_s=0.0001) > 0.9

"""What the microphone recorded while the robot played comes in a burst afterwards, and is the robot itself."""

from __future__ import annotations

from rider_core.link.echo_suppressor import BACKLOG_S, BURST_S, LATE_S, EchoSuppressor

CHUNK_S = 0.02


class Microphone:
    """Pieces that come at their times; those that count as said by a person are counted."""

    def __init__(self) -> None:
        self.plays_until = 0.0
        self.echo_suppressor = EchoSuppressor(lambda: self.plays_until)
        self.now = 1_000.0
        self.said_s = 0.0

    def stream(self, seconds: float, every_s: float = CHUNK_S) -> float:
        """Seconds of sound, a piece every `every_s` seconds; how much of it counts as a person's."""
        before = self.said_s
        for _ in range(round(seconds / CHUNK_S)):
            self.now += every_s
            if not self.echo_suppressor.is_echo(self.now, CHUNK_S):
                self.said_s += CHUNK_S
        return round(self.said_s - before, 2)

    def burst(self, seconds: float) -> float:
        return self.stream(seconds, every_s=0.001)


def test_what_comes_after_a_sound_is_the_robot_and_what_is_said_then_a_person() -> None:
    microphone = Microphone()
    assert microphone.stream(1.0) == 1.0
    microphone.plays_until = microphone.now + 1.6
    assert microphone.stream(0.2) == 0.2, "it begins to play a little later"
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
    microphone.now += 1.6  # it plays longer than we reckon
    assert LATE_S > 1.6
    assert microphone.burst(2.5) == 0.0


def test_a_microphone_that_streams_during_playback_is_not_dropped() -> None:
    """Its stream does not pause: a person may interrupt it."""
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

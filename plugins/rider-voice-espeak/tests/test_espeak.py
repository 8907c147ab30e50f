"""eSpeak NG: latency, completeness, voices and settings, one synthesis at a time, early close."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import threading
import time
import wave
from array import array
from collections.abc import Iterator
from itertools import islice

import numpy as np
import pytest
from rider_voice_espeak import EspeakTextToSpeech
from rider_voice_espeak.block_stream import BlockPipe
from rider_voice_espeak.library import Utterance, load_library

from rider_core.api import AudioClip, ProviderContext, SynthesizeRequest
from rider_core.api.text_to_speech import MAX_TEXT_CHARACTERS
from rider_core.errors import ConfigError, InvalidInput, ProviderError
from rider_core.testing import ProviderContract, wait_until

POLISH_60_WORDS = (
    "Dzień dobry, nazywam się Rider i jestem robotem na dwóch kołach. Dzisiaj rano obejrzałem cały pokój, "
    "policzyłem krzesła, znalazłem kota pod stołem i pojechałem do kuchni. Tam świeciło słońce, a na stole stała "
    "butelka wody. Jeśli chcesz, mogę opowiedzieć ci bajkę, zaśpiewać piosenkę albo sprawdzić, czy ktoś stoi pod "
    "drzwiami. Powiedz tylko słowo, a ja natychmiast ruszę w drogę powrotną."
)


@pytest.fixture
def espeak() -> Iterator[EspeakTextToSpeech]:
    provider = new_espeak()
    yield provider
    provider.close()


def new_espeak(**settings: object) -> EspeakTextToSpeech:
    provider = EspeakTextToSpeech(EspeakTextToSpeech.Config(**settings), ProviderContext())
    provider.open()
    return provider


def say(provider: EspeakTextToSpeech, text: str, voice: str | None = None) -> AudioClip:
    return provider.synthesize(SynthesizeRequest(text=text, voice=voice))


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="needs the program: apt install espeak-ng")
@pytest.mark.parametrize("sample_rate", [None, 16_000])
def test_says_as_much_as_the_program(espeak: EspeakTextToSpeech, sample_rate: int | None) -> None:
    assert len(POLISH_60_WORDS.split()) == 60
    command = ["espeak-ng", "-v", "pl", "-s", "175", "--stdout", POLISH_60_WORDS]
    output = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout
    with wave.open(io.BytesIO(output)) as reader:  # its header claims 2 GB, so only its rate is used
        theirs = AudioClip(reader.readframes(len(output)), reader.getframerate())
    ours = espeak.synthesize(SynthesizeRequest(text=POLISH_60_WORDS, voice="pl", sample_rate=sample_rate))
    ratio = spoken_s(ours) / spoken_s(theirs)
    print(
        f"ours {ours.duration_s:.2f} s, the program's {theirs.duration_s:.2f} s, without silence at the end {ratio:.3f}"
    )
    assert 0.9 < ratio < 1.1
    assert 0.9 < ours.duration_s / theirs.duration_s < 1.1


def spoken_s(clip: AudioClip) -> float:
    """Duration without the silence at the end, in which a resampler leaves noise of a bit or two."""
    samples = array("h", clip.pcm)
    last = next(index for index in reversed(range(len(samples))) if abs(samples[index]) > 8)
    return last / clip.sample_rate


@pytest.mark.parametrize("sample_rate", [None, 16_000])
def test_first_chunk_comes_at_once(espeak: EspeakTextToSpeech, sample_rate: int | None) -> None:
    request = SynthesizeRequest(text=POLISH_60_WORDS, voice="pl", sample_rate=sample_rate)
    started = time.monotonic()
    stream = espeak.synthesize_stream(request)
    first = next(stream)
    first_ms = (time.monotonic() - started) * 1000
    rest = list(stream)
    all_ms = (time.monotonic() - started) * 1000
    total_s = first.duration_s + sum(clip.duration_s for clip in rest)
    print(f"first chunk after {first_ms:.1f} ms, all {total_s:.1f} s of speech after {all_ms:.0f} ms")
    assert first_ms < 150
    assert 0.05 <= first.duration_s < 0.15
    assert all(0.2 < clip.duration_s < 0.4 for clip in rest[:-1])


@pytest.mark.parametrize(
    "how",
    [
        "for clip in provider.synthesize_stream(request): sys.stdout.buffer.write(clip.pcm)",
        "sys.stdout.buffer.write(provider.synthesize(request).pcm)",
        # One call of the library, without thread, pipe and chunks.
        "library.speak(Utterance(request.text, 'zlw/pl', 175, 50, 100), "
        "lambda block: sys.stdout.buffer.write(block) > 0)",
    ],
    ids=["stream", "synthesize", "library"],
)
def test_stream_is_sample_for_sample_that_of_the_library(how: str) -> None:
    """In new processes: the library adds flutter to the voice, so only its first synthesis is reproducible."""
    assert spoken_by(how) == spoken_by("sys.stdout.buffer.write(b''.join(blocks(request)))")


def spoken_by(statement: str) -> bytes:
    program = f"""
import sys
from rider_core.api import ProviderContext, SynthesizeRequest
from rider_voice_espeak import EspeakTextToSpeech
from rider_voice_espeak.library import Utterance, load_library

request = SynthesizeRequest(text={POLISH_60_WORDS!r}, voice="pl")
provider = EspeakTextToSpeech(EspeakTextToSpeech.Config(), ProviderContext())
provider.open()
library = load_library()

def blocks(request):
    collected = []
    library.speak(Utterance(request.text, "zlw/pl", 175, 50, 100), lambda block: collected.append(block) is None)
    return collected

{statement}
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, timeout=60)
    assert len(done.stdout) > 100_000, done.stderr
    return done.stdout


def test_polish_is_not_english(espeak: EspeakTextToSpeech) -> None:
    text = "Cześć, jak się masz?"
    polish, english = say(espeak, text, "pl"), say(espeak, text, "en")
    assert abs(polish.frames - english.frames) > 1_000


@pytest.mark.parametrize("name", ["pl", "PL", "Polish", "zlw/pl", "en-gb", "de", "Norwegian Bokmål"])
def test_voice_by_language_name_or_identifier(espeak: EspeakTextToSpeech, name: str) -> None:
    assert any(say(espeak, "robot", name).pcm)


def test_every_listed_voice_speaks(espeak: EspeakTextToSpeech) -> None:
    voices = espeak.voices()
    assert {"pl", "en", "en-gb", "en-us", "de", "uk"} <= set(voices)
    silent = [voice for voice in voices if not any(say(espeak, "robot", voice).pcm)]
    assert not silent


@pytest.mark.parametrize(
    "name", ["", "../../../etc/passwd", "zlw/../zlw/pl", "pl+f2", "/etc/passwd", "pl\x00", "klatt"]
)
def test_only_listed_voices_reach_the_library(espeak: EspeakTextToSpeech, name: str) -> None:
    if not name:  # an empty name is no name
        assert any(say(espeak, "robot", name).pcm)
        return
    with pytest.raises(InvalidInput, match="has no voice"):
        say(espeak, "robot", name)


def test_settings_are_heard() -> None:
    usual, quiet, high, slow = (
        say(new_espeak(voice="pl", **settings), "Mama ma Ankę.")
        for settings in ({}, {"volume": 30}, {"pitch": 99}, {"rate": 80})
    )
    assert max(array("h", quiet.pcm)) < max(array("h", usual.pcm)) / 2
    assert pitch_hz(high) > 1.3 * pitch_hz(usual)
    assert slow.frames > 1.5 * usual.frames


def test_a_request_goes_before_the_settings() -> None:
    """The settings are at the other extreme, so only the request's values give this voice."""
    provider = new_espeak(voice="pl", pitch=99, rate=300)
    text = "Mama ma Ankę."
    usual = say(new_espeak(voice="pl"), text)
    requested = provider.synthesize(SynthesizeRequest(text=text, voice="pl", pitch=50, rate=175))
    assert abs(pitch_hz(requested) - pitch_hz(usual)) < 0.05 * pitch_hz(usual)
    assert abs(requested.frames - usual.frames) < 0.02 * usual.frames
    low = provider.synthesize(SynthesizeRequest(text=text, voice="pl", pitch=0))
    assert pitch_hz(low) < pitch_hz(usual) < pitch_hz(say(provider, text, "pl"))


@pytest.mark.parametrize("sample_rate", [None, 16_000])
@pytest.mark.parametrize(
    "text",
    [(POLISH_60_WORDS * 20)[:MAX_TEXT_CHARACTERS], "słowo " * 800, "A. " * 1_600, "1234567890" * 100],
    ids=["sentences", "no stop", "letters", "digits"],
)
def test_a_long_text_is_heard_at_once_and_without_a_click(
    espeak: EspeakTextToSpeech, text: str, sample_rate: int | None
) -> None:
    """No step between two chunks is larger than the largest step within one."""
    stream = espeak.synthesize_stream(SynthesizeRequest(text=text, voice="pl", sample_rate=sample_rate))
    clips = list(islice(stream, 60))
    stream.close()
    assert clips[0].duration_s < 0.3  # the first chunk does not wait for the end of a sentence
    sound = np.frombuffer(b"".join(clip.pcm for clip in clips), np.int16).astype(int)
    steps = np.abs(np.diff(sound))
    borders = np.cumsum([clip.frames for clip in clips])[:-1] - 1
    within = np.delete(steps, borders)
    assert steps[borders].max() <= within.max()
    assert np.median(steps[borders]) <= np.percentile(within, 90)


def test_details(espeak: EspeakTextToSpeech) -> None:
    assert int(espeak.details()["languages"]) > 100


def pitch_hz(clip: AudioClip) -> float:
    """The voice's fundamental frequency: the median over windows of 60 ms, each from its autocorrelation's peak.

    The peak over the whole sentence jumps between 104 and 114 Hz for the same request: eSpeak's flutter goes on from
    one sentence to the next. The median stays within 3 Hz.
    """
    samples = np.frombuffer(clip.pcm, np.int16).astype(float)
    length, shortest, longest = int(0.06 * clip.sample_rate), clip.sample_rate // 350, clip.sample_rate // 60
    found = []
    for start in range(0, len(samples) - length, length // 2):
        window = samples[start : start + length] - samples[start : start + length].mean()
        correlation = np.fft.irfft(np.abs(np.fft.rfft(window, 2 * length)) ** 2)[:length]
        period = shortest + int(correlation[shortest:longest].argmax())
        if correlation[period] > 0.4 * correlation[0] > 0:  # voiced, and no silence
            found.append(clip.sample_rate / period)
    return float(np.median(found))


def test_wrong_voice_in_the_settings_is_named_at_open() -> None:
    with pytest.raises(ConfigError, match=r"voice.*'xx'.*use a language"):
        new_espeak(voice="xx")


def test_not_open() -> None:
    provider = EspeakTextToSpeech(EspeakTextToSpeech.Config(), ProviderContext())
    with pytest.raises(ProviderError, match="not open"):
        list(provider.synthesize_stream(SynthesizeRequest(text="robot")))


@pytest.mark.parametrize("text", [" ", "\x00", "\n\x01\x1b", "...", "?!", "\u200b"])
def test_nothing_to_say_is_refused(espeak: EspeakTextToSpeech, text: str) -> None:
    with pytest.raises(InvalidInput):
        say(espeak, text)


def test_control_characters_are_blanks(espeak: EspeakTextToSpeech) -> None:
    """A NUL does not end the text, and 0x01 does not begin a command."""
    plain = say(espeak, "one two 400 S three").frames
    assert abs(say(espeak, "one\x00two\x01400 S three").frames - plain) < 0.02 * plain


def test_the_callback_stops_the_engine() -> None:
    library, blocks = load_library(), []

    def on_block(block: bytes) -> bool:
        blocks.append(block)
        return len(blocks) < 3

    with library.exclusive():
        library.speak(Utterance(POLISH_60_WORDS, "zlw/pl", 175, 50, 100), on_block)
    assert len(blocks) == 3


def test_early_close_ends_the_thread(espeak: EspeakTextToSpeech) -> None:
    before = set(threading.enumerate())
    stream = espeak.synthesize_stream(SynthesizeRequest(text=POLISH_60_WORDS * 10, voice="pl"))
    next(stream)
    assert set(threading.enumerate()) > before
    stream.close()
    assert set(threading.enumerate()) == before


def test_forgotten_stream_ends_the_thread(espeak: EspeakTextToSpeech) -> None:
    before = set(threading.enumerate())
    stream = espeak.synthesize_stream(SynthesizeRequest(text=POLISH_60_WORDS * 10, voice="pl"))
    next(stream)
    del stream
    ProviderContract.check_no_new_threads(before)


def test_only_one_stream_at_a_time() -> None:
    texts = {"pl": POLISH_60_WORDS, "en": "One, two.", "de": "Guten Tag, ich bin ein kleiner Roboter. " * 3}
    alone = {voice: say(new_espeak(), text, voice).frames for voice, text in texts.items()}
    together: dict[str, list[int]] = {voice: [] for voice in texts}
    start = threading.Barrier(len(texts))

    def speak(voice: str) -> None:
        provider = new_espeak()
        start.wait(10)
        for _ in range(5):
            together[voice].append(say(provider, texts[voice], voice).frames)

    threads = [threading.Thread(target=speak, args=(voice,), daemon=True) for voice in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for voice, frames in together.items():
        assert len(frames) == 5
        assert all(abs(count - alone[voice]) < 0.01 * alone[voice] for count in frames), (voice, frames, alone[voice])


def test_a_half_read_stream_blocks_others_up_to_the_limit(espeak: EspeakTextToSpeech) -> None:
    stream = espeak.synthesize_stream(SynthesizeRequest(text=POLISH_60_WORDS))
    next(stream)
    with pytest.raises(ProviderError, match="another stream"), load_library().exclusive(limit_s=0.05):
        pass
    stream.close()
    assert any(say(espeak, "robot").pcm)


def test_pipe_holds_two_seconds_and_no_more() -> None:
    pipe, accepted = BlockPipe(), []

    def write() -> None:
        while pipe.put(b"block"):
            accepted.append(1)

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    wait_until(lambda: len(accepted) == 32, what="a full pipe")
    pipe.close()
    writer.join(5)
    assert not writer.is_alive()
    assert len(accepted) == 32


def test_error_in_the_thread_reaches_the_reader() -> None:
    pipe = BlockPipe()
    pipe.put(b"block")
    pipe.end(ProviderError("broken"))
    reader = iter(pipe)
    assert next(reader) == b"block"
    with pytest.raises(ProviderError, match="broken"):
        next(reader)

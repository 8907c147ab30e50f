"""libespeak-ng through ctypes: where it lies, its few functions that are used, and the one turn at a time it allows.

Names, numbers and structures are those of `speak_lib.h` of eSpeak NG 1.52.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from rider_core.errors import ProviderError, ProviderUnavailable

REMEDY = "pip install --force-reinstall espeakng-loader==0.2.4"

#: Returns at the end of the synthesis, and calls back from the thread that called.
_AUDIO_OUTPUT_SYNCHRONOUS = 2
#: The library keeps a path of 160 bytes (`N_PATH_HOME`), to which it adds the names of files.
_MAX_DATA_PATH = 120
#: Without it the library ends the process when its data is missing.
_INITIALIZE_DONT_EXIT = 0x8000
#: What the library hands over in one callback, in ms. It takes 60 as the least, whatever it is given.
_BLOCK_MS = 60
_CHARS_UTF8 = 1
#: The same pause after the last sentence as the espeak-ng program makes.
_ENDPAUSE = 0x1000
_POS_CHARACTER = 1
_RATE, _VOLUME, _PITCH = 1, 2, 3
#: A speech takes the engine well under a second; a reader that stalls this long is stuck.
_TURN_LIMIT_S = 30.0


class _VoiceStruct(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("xx1", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)


@dataclass(frozen=True)
class Voice:
    """A voice as the library lists it.

    Attributes:
        identifier: Its file, such as `zlw/pl`; unique.
        name: For people, such as `Polish`.
        languages: Language codes in lower case, each with its priority: the lower, the better it fits.
    """

    identifier: str
    name: str
    languages: tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class Utterance:
    """What to say and how.

    Attributes:
        text: Without control characters.
        voice: Identifier of a listed voice, never a name from outside: the library would take it for a path.
        rate: Words a minute.
        pitch: 0 to 99.
        volume: In percent, 0 to 200.
    """

    text: str
    voice: str
    rate: int
    pitch: int
    volume: int


class EspeakLibrary:
    """The initialised library. There can be one in a process: get it with `load_library()`."""

    def __init__(self, folder: Path) -> None:
        self._c = dynamic_library(folder)
        self._declare()
        data = folder / "espeak-ng-data"
        self.sample_rate: int = self._c.espeak_Initialize(
            _AUDIO_OUTPUT_SYNCHRONOUS, _BLOCK_MS, _short_name(data), _INITIALIZE_DONT_EXIT
        )
        if self.sample_rate <= 0:
            raise ProviderUnavailable(f"libespeak-ng cannot use its data in {data}", remedy=REMEDY)
        self._take: Callable[[bytes], bool] | None = None
        # The library keeps only the address, so the object must live as long as it does.
        self._callback = _Callback(self._on_sound)
        self._c.espeak_SetSynthCallback(self._callback)
        self.voices = tuple(voice for voice in self._list_voices() if _has_dictionary(voice, data))
        self._turn = threading.Lock()

    @contextmanager
    def turn(self, limit_s: float = _TURN_LIMIT_S) -> Iterator[None]:
        """The library to oneself: its state is global, so one speaks while the others wait.

        Raises:
            ProviderError: it was not free within `limit_s` seconds.
        """
        if not self._turn.acquire(timeout=limit_s):
            raise ProviderError(
                f"eSpeak NG has been speaking for somebody else for {limit_s:.0f} s",
                remedy="read or close every stream of synthesize_stream() that was begun",
            )
        try:
            yield
        finally:
            self._turn.release()

    def speak(self, utterance: Utterance, take: Callable[[bytes], bool]) -> None:
        """Hand the sound to `take`, 16-bit samples in blocks of about 60 ms, until it ends or `take` returns False.

        To be called in one's `turn()`.
        """
        if self._c.espeak_SetVoiceByName(utterance.voice.encode()) != 0:
            raise ProviderError(f"libespeak-ng lists voice {utterance.voice!r}, but cannot load it", remedy=REMEDY)
        for parameter, value in ((_RATE, utterance.rate), (_PITCH, utterance.pitch), (_VOLUME, utterance.volume)):
            self._c.espeak_SetParameter(parameter, value, 0)
        data = utterance.text.encode()
        self._take = take
        try:
            status = self._c.espeak_Synth(
                data, len(data) + 1, 0, _POS_CHARACTER, 0, _CHARS_UTF8 | _ENDPAUSE, None, None
            )
        finally:
            self._take = None
        if status != 0:
            raise ProviderError(f"libespeak-ng gave up on a text of {len(data)} bytes with status {status}")

    def _on_sound(self, samples: int | None, count: int, _events: int | None) -> int:
        """The C callback: 0 to go on, 1 to stop. `count` is in samples, of two bytes each."""
        if not samples or count <= 0 or self._take is None:
            return 0
        return 0 if self._take(ctypes.string_at(samples, 2 * count)) else 1

    def _declare(self) -> None:
        # The others take and return ints, as ctypes assumes, or are called with bytes.
        self._c.espeak_Synth.argtypes = (
            ctypes.c_char_p,
            ctypes.c_size_t,
            ctypes.c_uint,
            ctypes.c_int,
            ctypes.c_uint,
            ctypes.c_uint,
            ctypes.c_void_p,
            ctypes.c_void_p,
        )
        self._c.espeak_ListVoices.argtypes = (ctypes.c_void_p,)
        self._c.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_VoiceStruct))

    def _list_voices(self) -> Iterator[Voice]:
        table = self._c.espeak_ListVoices(None)
        index = 0
        while table[index]:
            voice = table[index].contents
            yield Voice(voice.identifier.decode(), voice.name.decode().strip(), tuple(_read_languages(voice.languages)))
            index += 1


def _read_languages(address: int) -> Iterator[tuple[int, str]]:
    """The library's list of languages: each a priority byte and a C string, a zero byte at the end."""
    while priority := ctypes.string_at(address, 1)[0]:
        code = ctypes.string_at(address + 1)
        yield priority, code.decode().lower()
        address += 1 + len(code) + 1


def _has_dictionary(voice: Voice, data: Path) -> bool:
    """Whether its pronunciation rules are installed: the wheel lists three voices without any, and they are mute."""
    definition = (data / "lang" / voice.identifier).read_text(encoding="utf-8", errors="replace")
    named = re.search(r"^\s*dictionary\s+(\S+)", definition, re.MULTILINE)
    name = named.group(1) if named else voice.languages[0][1].partition("-")[0]
    return (data / f"{name}_dict").is_file()


def _short_name(data: Path) -> bytes:
    """A path of the folder for which the library has room: its own, or one through the open folder (Linux only).

    The folder stays open as long as the process lives, as the library does.
    """
    path = os.fsencode(data)
    if len(path) <= _MAX_DATA_PATH or not sys.platform.startswith("linux"):
        return path
    try:
        return b"/proc/self/fd/%d" % os.open(data, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise ProviderUnavailable(f"eSpeak NG's data cannot be read: {error}", remedy=REMEDY) from None


def loader_folder() -> Path:
    """Where the `espeakng-loader` package has the library and its data; found without importing it.

    Raises:
        ProviderUnavailable: the package is not installed.
    """
    spec = importlib.util.find_spec("espeakng_loader")
    if spec is None or spec.origin is None:
        raise ProviderUnavailable("the package espeakng-loader is not installed", remedy=REMEDY)
    return Path(spec.origin).parent


def dynamic_library(folder: Path) -> ctypes.CDLL:
    """The shared object, not initialised: quick.

    Raises:
        ProviderUnavailable: it is missing, or not made for this machine.
    """
    try:
        return ctypes.CDLL(str(folder / "libespeak-ng.so"))
    except OSError as error:
        raise ProviderUnavailable(f"libespeak-ng cannot be loaded: {error}", remedy=REMEDY) from None


_loading = threading.Lock()


def load_library() -> EspeakLibrary:
    """The library of this process, initialised at the first call and kept: its state is global, so there is but one."""
    with _loading:
        return _load_once()


@lru_cache(maxsize=1)
def _load_once() -> EspeakLibrary:
    return EspeakLibrary(loader_folder())

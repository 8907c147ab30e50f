"""ctypes bindings of libespeak-ng: loading, the functions that are used, and a lock, because its state is global.

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

#: espeak_Synth returns at the end of the synthesis, and calls back from the calling thread.
_AUDIO_OUTPUT_SYNCHRONOUS = 2
#: The library's path buffer has 160 bytes (`N_PATH_HOME`), file names included.
_MAX_DATA_PATH = 120
#: Without it the library ends the process when its data is missing.
_INITIALIZE_DONT_EXIT = 0x8000
#: Audio of one callback, in ms. 60 is the library's minimum.
_BLOCK_MS = 60
_CHARS_UTF8 = 1
#: The same pause after the last sentence as the espeak-ng program makes.
_ENDPAUSE = 0x1000
_POS_CHARACTER = 1
_RATE, _VOLUME, _PITCH = 1, 2, 3
#: Limit of waiting for another stream. A synthesis takes well under 1 s, so a reader this slow is stuck.
_LOCK_TIMEOUT_S = 30.0


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
    """A voice in the library's list.

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
        voice: Identifier of a listed voice, never a request's own text, which the library could take for a path.
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
            _AUDIO_OUTPUT_SYNCHRONOUS, _BLOCK_MS, _short_path(data), _INITIALIZE_DONT_EXIT
        )
        if self.sample_rate <= 0:
            raise ProviderUnavailable(f"libespeak-ng cannot use its data in {data}", remedy=REMEDY)
        self._on_block: Callable[[bytes], bool] | None = None
        # The library keeps only the callback's address, so the object must not be freed.
        self._callback = _Callback(self._synth_callback)
        self._c.espeak_SetSynthCallback(self._callback)
        self.voices = tuple(voice for voice in self._list_voices() if _has_dictionary(voice, data))
        self._lock = threading.Lock()

    @contextmanager
    def exclusive(self, limit_s: float = _LOCK_TIMEOUT_S) -> Iterator[None]:
        """Exclusive use of the library, whose state is global.

        Raises:
            ProviderError: another stream kept it for `limit_s` seconds.
        """
        if not self._lock.acquire(timeout=limit_s):
            raise ProviderError(
                f"eSpeak NG has been in use by another stream for {limit_s:.0f} s",
                remedy="read or close every stream of synthesize_stream() that was begun",
            )
        try:
            yield
        finally:
            self._lock.release()

    def speak(self, utterance: Utterance, on_block: Callable[[bytes], bool]) -> None:
        """Pass 16-bit samples to `on_block`, in blocks of about 60 ms, until the end or until it returns False.

        To be called within `exclusive()`.
        """
        if self._c.espeak_SetVoiceByName(utterance.voice.encode()) != 0:
            raise ProviderError(f"libespeak-ng lists voice {utterance.voice!r}, but cannot load it", remedy=REMEDY)
        for parameter, value in ((_RATE, utterance.rate), (_PITCH, utterance.pitch), (_VOLUME, utterance.volume)):
            self._c.espeak_SetParameter(parameter, value, 0)
        data = utterance.text.encode()
        self._on_block = on_block
        try:
            status = self._c.espeak_Synth(
                data, len(data) + 1, 0, _POS_CHARACTER, 0, _CHARS_UTF8 | _ENDPAUSE, None, None
            )
        finally:
            self._on_block = None
        if status != 0:
            raise ProviderError(f"libespeak-ng failed on a text of {len(data)} bytes with status {status}")

    def _synth_callback(self, samples: int | None, count: int, _events: int | None) -> int:
        """The C callback: returns 0 to continue, 1 to stop. `count` is in samples of two bytes."""
        if not samples or count <= 0 or self._on_block is None:
            return 0
        return 0 if self._on_block(ctypes.string_at(samples, 2 * count)) else 1

    def _declare(self) -> None:
        # The other functions take and return ints, ctypes' default, or are called with bytes.
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
    """Whether its pronunciation rules are installed: the wheel lists three voices without rules, which are silent."""
    definition = (data / "lang" / voice.identifier).read_text(encoding="utf-8", errors="replace")
    named = re.search(r"^\s*dictionary\s+(\S+)", definition, re.MULTILINE)
    name = named.group(1) if named else voice.languages[0][1].partition("-")[0]
    return (data / f"{name}_dict").is_file()


def _short_path(data: Path) -> bytes:
    """A path of the folder that fits in the library's buffer: its own, or one by a file descriptor (Linux only).

    The file descriptor stays open until the process ends.
    """
    path = os.fsencode(data)
    if len(path) <= _MAX_DATA_PATH or not sys.platform.startswith("linux"):
        return path
    try:
        return b"/proc/self/fd/%d" % os.open(data, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise ProviderUnavailable(f"eSpeak NG's data cannot be read: {error}", remedy=REMEDY) from None


def loader_folder() -> Path:
    """The folder of the library and its data in the package `espeakng-loader`, which is not imported.

    Raises:
        ProviderUnavailable: the package is not installed.
    """
    spec = importlib.util.find_spec("espeakng_loader")
    if spec is None or spec.origin is None:
        raise ProviderUnavailable("the package espeakng-loader is not installed", remedy=REMEDY)
    return Path(spec.origin).parent


def dynamic_library(folder: Path) -> ctypes.CDLL:
    """The shared library, not initialised, which is fast.

    Raises:
        ProviderUnavailable: it is missing, or built for another machine.
    """
    try:
        return ctypes.CDLL(str(folder / "libespeak-ng.so"))
    except OSError as error:
        raise ProviderUnavailable(f"libespeak-ng cannot be loaded: {error}", remedy=REMEDY) from None


_loading = threading.Lock()


def load_library() -> EspeakLibrary:
    """The library of this process, initialised at the first call. Its state is global, so there is only one."""
    with _loading:
        return _load_once()


@lru_cache(maxsize=1)
def _load_once() -> EspeakLibrary:
    return EspeakLibrary(loader_folder())

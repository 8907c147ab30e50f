"""Turns the library's callback into an iterator: a thread synthesizes into a bounded pipe."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Generator, Iterator

from rider_voice_espeak.library import EspeakLibrary, Utterance

#: Two seconds of audio, by which the engine may be ahead of its reader.
_PIPE_BLOCKS = 32


class BlockPipe:
    """A bounded queue that either end can close. (A writer waiting in `queue.Queue` could not be stopped.)"""

    def __init__(self) -> None:
        self._blocks: deque[bytes] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._ended = False
        self._error: Exception | None = None

    def put(self, block: bytes) -> bool:
        """Add a block, waiting for room; False where the reader has closed the pipe."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._blocks) < _PIPE_BLOCKS)
            if not self._closed:
                self._blocks.append(block)
                self._changed.notify_all()
            return not self._closed

    def end(self, error: Exception | None = None) -> None:
        """Called by the writer at the end. The reader gets `error` after the last block."""
        with self._changed:
            self._ended, self._error = True, error
            self._changed.notify_all()

    def close(self) -> None:
        """Called by the reader. Stops the writer."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def __iter__(self) -> Iterator[bytes]:
        while (block := self._next()) is not None:
            yield block

    def _next(self) -> bytes | None:
        with self._changed:
            self._changed.wait_for(lambda: self._ended or bool(self._blocks))
            if self._blocks:
                self._changed.notify_all()
                return self._blocks.popleft()
            if self._error is not None:
                raise self._error
            return None


def speech_blocks(library: EspeakLibrary, utterance: Utterance) -> Generator[bytes, None, None]:
    """Blocks of 16-bit samples. Closing the iterator stops the engine and ends its thread."""
    with library.exclusive():
        pipe = BlockPipe()
        # A daemon, so that a half-read stream does not keep the process from ending.
        thread = threading.Thread(target=_speak, args=(library, utterance, pipe), name="espeak", daemon=True)
        thread.start()
        try:
            yield from pipe
        finally:
            pipe.close()
            thread.join()


def _speak(library: EspeakLibrary, utterance: Utterance, pipe: BlockPipe) -> None:
    try:
        library.speak(utterance, pipe.put)
    except Exception as error:  # the top of a thread: every error is passed to the reader
        pipe.end(error)
    else:
        pipe.end()

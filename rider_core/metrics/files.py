"""Metric files of prometheus_client's multiprocess mode, with preallocated blocks.

prometheus_client maps sparse files into memory: if the disk is full when a page is written, the kernel kills the
process (SIGBUS).
"""

from __future__ import annotations

import contextlib
import json
import logging
import mmap
import os
import struct
from typing import BinaryIO

import prometheus_client.values
from prometheus_client.mmap_dict import MmapedDict

from rider_core.metrics.members import Membership, join

log = logging.getLogger(__name__)

FIRST_BYTES = 1 << 16
#: Where a parent of processes was killed, its idle ones end within a second. Their successors wait for that this long.
PREDECESSOR_S = 5.0
#: Format of a file's used length, and the offset of the first value.
_HEAD = struct.Struct("i")
_HEAD_BYTES = 8


class PreallocatedDict(MmapedDict):
    """Allocates the file's blocks before mapping it. On a full disk the values are kept in this process's memory.

    Built on the insides of prometheus_client 0.26: `_f`, `_fname`, `_m`, `_capacity`, `_used`, `_positions`,
    `_init_value`.
    """

    def __init__(self, filename: str, read_mode: bool = False) -> None:
        if not read_mode:
            try:
                with open(filename, "ab") as file:
                    if problem := damage(filename):
                        # Its process was ended while it wrote, or a person has edited the file.
                        log.error("%s is damaged, its counters begin again: %s", filename, problem)
                        file.truncate(0)
                    _preallocate(file, FIRST_BYTES)
            except OSError as error:
                self._fname, self._positions = filename, {}
                self._f = None  # type: ignore[assignment]
                self._used = _HEAD_BYTES
                self._fall_back_to_memory(error, FIRST_BYTES, _HEAD.pack(_HEAD_BYTES))
                return
        super().__init__(filename, read_mode)  # type: ignore[no-untyped-call]

    def _init_value(self, key: str) -> None:
        # Upper bound of an entry: its length, the key, padding to eight bytes, and two numbers.
        needed = self._used + 4 + len(key.encode()) + 8 + 16
        capacity = self._capacity
        while capacity < needed:
            capacity *= 2
        if capacity > self._capacity:
            self._grow(capacity)
        super()._init_value(key)  # type: ignore[no-untyped-call]

    def _grow(self, capacity: int) -> None:
        try:
            if self._f is None:
                raise OSError("the values are in memory already")
            _preallocate(self._f, capacity)
            self._m, self._capacity = mmap.mmap(self._f.fileno(), capacity), capacity
        except OSError as error:
            self._fall_back_to_memory(error, capacity, self._m[: self._used])

    def _fall_back_to_memory(self, error: OSError, capacity: int, content: bytes) -> None:
        """Continue in memory, and delete the file: its values would never change again."""
        if self._f is not None:
            self._f.close()
            self._f = None  # type: ignore[assignment]
        with contextlib.suppress(OSError):
            os.unlink(self._fname)
            log.error("the metrics of this process are missing from /metrics until it is restarted: %s", error)
        self._m, self._capacity = mmap.mmap(-1, capacity), capacity
        self._m[: len(content)] = content


def damage(filename: str) -> str:
    """What is wrong with a file of metrics; empty: it can be read, or has no values yet."""
    try:
        with open(filename, "rb") as file:
            head = file.read(_HEAD_BYTES)
        used = _HEAD.unpack_from(head)[0] if head else 0
        if used and not _HEAD_BYTES <= used <= os.path.getsize(filename):
            return f"its head says {used} bytes"
        if used:
            for key, *_ in MmapedDict.read_all_values_from_file(filename):  # type: ignore[no-untyped-call]
                json.loads(key)
    except (RuntimeError, ValueError, struct.error) as error:
        return str(error)
    return ""


#: Name in this process's files. prometheus_client reads it at each change of a value, and changes the files with it.
_name = ""


def share_values() -> Membership | None:
    """Keep the values of all metrics that this process creates from now on in files under its name.

    Returns:
        None: the values stay in this process's memory, because it has no name (`rider_core.metrics.members`).
    """
    global _name
    membership = join()
    if membership is None:
        prometheus_client.values.ValueClass = prometheus_client.values.MutexValue
        return None
    _name = membership.name
    prometheus_client.values.MmapedDict = PreallocatedDict  # type: ignore[attr-defined]
    values = prometheus_client.values.MultiProcessValue(lambda: _name)  # type: ignore[no-untyped-call]
    prometheus_client.values.ValueClass = values
    return membership


def share_values_after_fork(inherited: Membership) -> Membership | None:
    """Leave the files of the parent, and keep all values in files under this process's own name.

    Args:
        inherited: The parent's.

    Returns:
        None: another process has the name, or the disk is full; the values stay in this process's memory.
    """
    global _name
    os.close(inherited.lock)  # the parent keeps it: a lock lasts until its last descriptor is closed
    membership = join(PREDECESSOR_S)
    if membership is None:
        log.error("the metrics of this process are missing from /metrics until it is restarted: its name is in use")
    # In a folder that does not exist: such files fall back to memory.
    _name = membership.name if membership else f"no_folder/{os.getpid()}"
    return membership


def _preallocate(file: BinaryIO, size: int) -> None:
    """Extend the file to `size` bytes with allocated blocks.

    Raises:
        OSError: the disk is full.
    """
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size)
        return
    missing = size - os.fstat(file.fileno()).st_size
    if missing > 0:
        file.write(bytes(missing))
        file.flush()

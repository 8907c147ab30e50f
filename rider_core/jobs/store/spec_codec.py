"""How a job's spec lies in RQ's `data` field: as a call of one function, in JSON, so that RQ's tools can show it."""

from __future__ import annotations

import json
import zlib

from pydantic_core import to_json

from rider_core.api.jobs import AnySpec, BatchSpec, JobSpec
from rider_core.api.messages import parse_json, parse_message
from rider_core.errors import InvalidInput, TooLarge

#: RQ wants the name of a function. Ours is never imported: a worker compares it, and refuses any other.
FUNCTION = "rider_core.worker.perform"
_KINDS: dict[str, type[AnySpec]] = {"spec": JobSpec, "batch": BatchSpec}
_HEADS = {name: f'["{FUNCTION}", null, [], {{"{name}": '.encode() for name in _KINDS}
_TAIL = b"}]"
#: The fields that a job sets which leaves everything else at its default.
_PLAIN = {"id", "task", "payload"}
#: Largest size of one job with its payload in bytes: 300 s of sound at 48 kHz in base64, or a batch of shorter clips.
MAX_JOB_BYTES = 64 * 1024 * 1024
#: The first byte of compressed data; JSON never begins with it.
_ZLIB = b"x"


def data_of_spec(spec: AnySpec) -> bytes:
    """RQ's `data` field."""
    if isinstance(spec, JobSpec) and spec.model_fields_set <= _PLAIN:
        # Nearly all jobs are like this; id and task are known to hold nothing that JSON would escape.
        head = f'{{"id":"{spec.id}","task":"{spec.task}","payload":'.encode()
        return _HEADS["spec"] + head + to_json(spec.payload, inf_nan_mode="null") + b"}" + _TAIL
    return (
        _HEADS["batch" if isinstance(spec, BatchSpec) else "spec"]
        + spec.model_dump_json(exclude_defaults=True).encode()
        + _TAIL
    )


def spec_from_data(data: bytes) -> AnySpec:
    """The spec, out of RQ's `data` field, which RQ's own tools compress when they put a job back.

    Raises:
        InvalidInput: this is not a job of ours: pickled, damaged, or it names another function.
        TooLarge: it is too large when it is decompressed.
    """
    if data.startswith(_ZLIB):
        data = _decompressed(data)
    for name, head in _HEADS.items():
        if data.startswith(head) and data.endswith(_TAIL):
            return parse_json(_KINDS[name], data[len(head) : -len(_TAIL)])
    return _spec_from_other_json(data)


def _decompressed(data: bytes) -> bytes:
    decompressor = zlib.decompressobj()
    try:
        decompressed = decompressor.decompress(data, MAX_JOB_BYTES)
    except zlib.error:
        return data
    if decompressor.unconsumed_tail:
        raise TooLarge(f"the job has more than {MAX_JOB_BYTES} bytes when it is unpacked")
    return decompressed


def _spec_from_other_json(data: bytes) -> AnySpec:
    """RQ's own tools may have written the same call with other blanks."""
    try:
        function, _instance, _args, arguments = json.loads(data)
        kind, body = next((_KINDS[name], body) for name, body in arguments.items() if name in _KINDS)
    except (ValueError, TypeError, AttributeError, StopIteration, RecursionError):
        raise InvalidInput("the job is not in our JSON form; nothing of it was run") from None
    if function != FUNCTION:
        raise InvalidInput(f"the job names the function {str(function)[:80]!r}; only our own tasks are run")
    return parse_message(kind, body)

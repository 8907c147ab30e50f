"""Follows the events of jobs, and keeps what people may want to see, hear or play later."""

from __future__ import annotations

import logging
import re
import time
from collections import OrderedDict

from pydantic import ValidationError

from rider_core.api import Event, JobState
from rider_core.api.events import FINAL_KINDS, JOB_STREAM_TTL_S
from rider_core.api.jobs import ID_PATTERN, JobDetails, JobSpec
from rider_core.errors import BackendUnavailable, InvalidInput, JobNotFound, NotFound
from rider_core.metrics import JOBS_KEPT
from rider_core.runtime.services import Services
from rider_core.runtime.token_buckets import TokenBuckets
from rider_core.web import untrusted
from rider_core.web.history import is_routine
from rider_core.web.kept_jobs.folder import KeptFolder
from rider_core.web.kept_jobs.job_view import JobView, LinkTimes, view_of
from rider_core.web.kept_jobs.media import PAYLOAD_MEDIA, RESULT_MEDIA, MediaKind, payload_media, spoken_media

log = logging.getLogger(__name__)

#: Files that are written in a second: at once `BURST`, then one in each `EVERY_S`. Conversations have a share of their
#: own, which no other jobs take away.
BURST, EVERY_S = 200, 0.025
_CONVERSATIONS = frozenset({"robot", "browser"})
#: Payloads of this size stay with their job, in bytes: Redis drops longer ones at the job's end (`LONG_DATA_BYTES`).
SURELY_STAYS_BYTES = 16_000
#: Largest payload that is decoded, in bytes: a large photograph, or three minutes of sound.
MAX_PAYLOAD_BYTES = 8 << 20
#: Largest file with a job's view, in bytes; of a longer one the result is left out.
MAX_VIEW_BYTES = 256 << 10
#: Conversations' jobs whose times are remembered until they are shown or written.
MAX_TIMES = 500
#: The longest time that a stream of a job that has ended is waited for, in seconds: it has all its events.
STREAM_S = 0.2
#: Events of a stream that are read into memory together: a chunk of sound may have a megabyte.
READ_COUNT = 8
_VIEW = ".json"
_JOB_ID = re.compile(ID_PATTERN)
#: A JPEG picture in base64 begins like this.
_JPEG = "/9j/"


class JobKeeper:
    """`handle` belongs to one thread; the other methods may be called from any."""

    def __init__(self, services: Services) -> None:
        settings = services.settings
        self._services = services
        self._hears = settings.keep_heard_sound
        self._folder = KeptFolder(settings.kept_jobs_dir, settings.keep_jobs_s, settings.keep_jobs_mb << 20)
        self._buckets = TokenBuckets(BURST, EVERY_S)
        self._times: OrderedDict[str, LinkTimes] = OrderedDict()
        self._has_failed = False
        self._is_on = settings.keep_jobs_s > 0 and settings.keep_jobs_mb > 0
        #: For how long the pages offer which kinds of media.
        self.policy = {
            "age_s": settings.keep_jobs_s if self._is_on else 0,
            "kinds": [kind.value for kind in MediaKind if self._may_serve(kind)] if self._is_on else [],
        }

    def load(self) -> None:
        """Find what an earlier panel has kept. What the settings no longer allow is removed."""
        heard = MediaKind.HEARD.suffix
        try:
            self._folder.load(keep=lambda name: self._is_on and (self._hears or not name.endswith(heard)))
        except OSError as error:
            log.error("the kept jobs cannot be read: %s", error)

    def handle(self, events: list[Event]) -> None:
        """Keep what these events tell of."""
        self._folder.sweep()
        for event in events:
            if event.job_id is None or not _JOB_ID.fullmatch(event.job_id):
                continue
            if event.kind in ("robot.transcript", "robot.speech"):
                self._remember_times(event.job_id, LinkTimes.of_event(event))
            elif self._is_on:
                self._keep(event, event.job_id)

    def view(self, job_id: str) -> JobView:
        """A job, as Redis has it, else as it was kept. Raises `JobNotFound`, `BackendUnavailable`."""
        try:
            details = self._services.backend.details(job_id)
        except JobNotFound:
            kept = self._kept_view(job_id)
            if kept is None:
                raise
            return kept.model_copy(update={"kept": True, "media": self._media_of(job_id)})
        view, kept = view_of(details), self._read_view(job_id)
        if details.spec is None and kept is not None:
            view = view.model_copy(update={"payload": kept.payload, "shortened": kept.shortened})
        times = self._times.get(job_id) or (kept.times if kept is not None else None) or view.times
        media = dict.fromkeys((*self._media_of(job_id), *self._live_media_of(details)))
        return view.model_copy(update={"times": times, "media": tuple(media)})

    def media(self, job_id: str, kind: MediaKind) -> bytes:
        """A job's sound or picture.

        Raises:
            JobNotFound: there is no such job.
            NotFound: it is not kept, or not any more, or what was submitted is none.
        """
        if kind not in self.view(job_id).media:
            raise self._not_kept(job_id, kind)
        data = self._folder.get(job_id + kind.suffix)
        if data is not None:
            return data
        details = self._services.backend.details(job_id)
        if kind not in self._live_media_of(details) or not isinstance(details.spec, JobSpec):
            raise self._not_kept(job_id, kind)
        try:
            return self._spoken(job_id) if kind is MediaKind.SPOKEN else payload_media(details.spec)
        except InvalidInput as error:
            raise NotFound(f"job {job_id!r} has no {kind.value}: {error.message}") from None

    def forget(self, job_id: str) -> None:
        """Remove what is kept of a job."""
        self._times.pop(job_id, None)
        for name in (job_id + _VIEW, *(job_id + kind.suffix for kind in MediaKind)):
            self._folder.remove(name)

    def _keep(self, event: Event, job_id: str) -> None:
        try:
            if event.kind in ("job.accepted", "job.started"):
                self._keep_payload(event, job_id)
            elif event.kind in FINAL_KINDS and not is_routine(event):
                self._keep_end(event, job_id)
        except OSError as error:
            JOBS_KEPT.labels("failed").inc()
            if not self._has_failed:
                log.error("jobs are not kept for later: %s", error)
            self._has_failed = True
        except (JobNotFound, BackendUnavailable):
            JOBS_KEPT.labels("gone").inc()
        except InvalidInput:
            JOBS_KEPT.labels("unusable").inc()

    def _keep_payload(self, event: Event, job_id: str) -> None:
        """Keep a long payload, and its sound or picture, before Redis drops it at the job's end."""
        task = untrusted.name(event.data, "task")
        kind, field = PAYLOAD_MEDIA.get(task, (None, ""))
        is_frame = kind is MediaKind.PICTURE and untrusted.name(event.data, "origin") == "robot"
        # A job may wait longer than files are kept, so its media are kept again when it starts.
        is_late = event.kind == "job.started" and kind is None
        if is_frame or is_late or job_id + _VIEW in self._folder or not self._has_room(event):
            return
        if kind is None and self._services.backend.payload_bytes(job_id) <= SURELY_STAYS_BYTES:
            return
        details = self._details(job_id)
        if not details.record.state.ended:
            self._put_view(job_id, view_of(details, without=field))
        if kind is not None and self._may_serve(kind) and isinstance(details.spec, JobSpec):
            self._put(job_id + kind.suffix, payload_media(details.spec))

    def _keep_end(self, event: Event, job_id: str) -> None:
        # A failed job stays in Redis for a week, and must be gone when it is deleted there.
        if event.kind == "job.failed" or not self._has_room(event):
            return
        details = self._details(job_id)
        task, spec = details.record.task, details.spec
        if task in RESULT_MEDIA and details.record.state is JobState.DONE and isinstance(spec, JobSpec) and spec.stream:
            self._put(job_id + RESULT_MEDIA[task].suffix, self._spoken(job_id))
        _, field = PAYLOAD_MEDIA.get(task, (None, ""))
        view = view_of(details, without=field)
        if spec is None and (before := self._read_view(job_id)) is not None:
            view = view.model_copy(
                update={"payload": before.payload, "shortened": before.shortened, "times": before.times}
            )
        self._put_view(job_id, view.model_copy(update={"times": self._times.get(job_id) or view.times}))

    def _remember_times(self, job_id: str, times: LinkTimes) -> None:
        if not times:
            return
        self._times.pop(job_id, None)
        self._times[job_id] = times
        while len(self._times) > MAX_TIMES:
            self._times.popitem(last=False)
        kept = self._kept_view(job_id)
        if kept is not None:
            try:
                self._put_view(job_id, kept.model_copy(update={"times": times}))
            except OSError:
                JOBS_KEPT.labels("failed").inc()

    def _put_view(self, job_id: str, view: JobView) -> None:
        content = view.model_dump_json().encode()
        if len(content) > MAX_VIEW_BYTES:
            short = view.job.model_copy(update={"result": None})
            content = view.model_copy(update={"job": short}).model_dump_json().encode()
        self._put(job_id + _VIEW, content)

    def _put(self, name: str, content: bytes) -> None:
        self._folder.put(name, content)
        JOBS_KEPT.labels("kept").inc()
        if self._has_failed:
            log.info("jobs are kept for later again")
        self._has_failed = False

    def _kept_view(self, job_id: str) -> JobView | None:
        """The view of a job that has ended. None: it is not kept, or was deleted before its end."""
        kept = self._read_view(job_id)
        return kept if kept is not None and kept.job.state.ended else None

    def _read_view(self, job_id: str) -> JobView | None:
        content = self._folder.get(job_id + _VIEW)
        if content is None:
            return None
        try:
            return JobView.model_validate_json(content)
        except ValidationError:  # of another version, or cut off by a crash
            return None

    def _details(self, job_id: str) -> JobDetails:
        """A job with its payload, if that is not too large to be decoded here."""
        backend = self._services.backend
        if backend.payload_bytes(job_id) > MAX_PAYLOAD_BYTES:
            return JobDetails(record=backend.get(job_id), spec=None, traceback="")
        return backend.details(job_id)

    def _spoken(self, job_id: str) -> bytes:
        return spoken_media(self._services.bus.follow(job_id, STREAM_S, read_count=READ_COUNT))

    def _media_of(self, job_id: str) -> tuple[MediaKind, ...]:
        return tuple(kind for kind in MediaKind if job_id + kind.suffix in self._folder and self._may_serve(kind))

    def _live_media_of(self, details: JobDetails) -> tuple[MediaKind, ...]:
        """What Redis still has of a job."""
        record, spec = details.record, details.spec
        if not isinstance(spec, JobSpec):
            return ()
        if record.task in PAYLOAD_MEDIA:
            kind, field = PAYLOAD_MEDIA[record.task]
            return (kind,) if self._may_serve(kind) and _looks_usable(spec, field) else ()
        is_fresh = time.time() - (record.ended_ts or 0) < JOB_STREAM_TTL_S - 5
        if record.task in RESULT_MEDIA and record.state is JobState.DONE and spec.stream and is_fresh:
            return (RESULT_MEDIA[record.task],)
        return ()

    def _may_serve(self, kind: MediaKind) -> bool:
        return kind is not MediaKind.HEARD or self._hears

    def _has_room(self, event: Event) -> bool:
        """Whether another file may be written now."""
        share = "conversations" if untrusted.name(event.data, "origin") in _CONVERSATIONS else "others"
        if not self._buckets.take(share):
            return True
        JOBS_KEPT.labels("too_many").inc()
        return False

    def _not_kept(self, job_id: str, kind: MediaKind) -> NotFound:
        remedy = None
        if kind is MediaKind.HEARD and not self._hears:
            remedy = "what people say is kept where RIDER_KEEP_HEARD_SOUND=true"
        return NotFound(f"there is no {kind.value} of job {job_id!r} any more", remedy=remedy)


def _looks_usable(spec: JobSpec, field: str) -> bool:
    """Whether the payload's field may have media, without decoding it."""
    text = spec.payload.get(field)
    return isinstance(text, str) and 0 < len(text) <= MAX_PAYLOAD_BYTES and (field != "image" or text.startswith(_JPEG))

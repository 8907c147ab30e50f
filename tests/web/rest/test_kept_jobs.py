"""What the panel keeps of jobs: their sound and pictures, and the jobs that Redis has forgotten."""

from __future__ import annotations

import base64
import io
import json
import stat
import time
import wave
from pathlib import Path
from typing import Any

import pytest
from rest_harness import RestHarness

from rider_core.api import JobProblem
from rider_core.api.audio import AudioClip
from rider_core.api.messages import Message
from rider_core.api.text_to_speech import AudioChunk
from rider_core.eventbus import EventBus
from rider_core.jobs import AttemptResult, LeasedJob, Outcome
from rider_core.testing.waiting import wait_until

pytestmark = pytest.mark.slow

#: Two seconds, so that Redis drops it at the job's end.
PCM = bytes(range(256)) * 250
JPEG = b"\xff\xd8\xff\xe0" + b"picture" * 3_000
PROVENANCE = '"provider":"echo","mock":true'


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


HEARD = {
    "task": "voice.transcribe",
    "payload": {"audio": encoded(PCM), "format": "pcm16", "sample_rate": 16_000},
    "origin": "robot",
}
SEEN = {"task": "vision.detect", "payload": {"image": encoded(JPEG)}}


def folder(rest: RestHarness) -> Path:
    return rest.panel.processes.folder / "data" / "jobs"


def kept(rest: RestHarness, job_id: str) -> set[str]:
    """What of the job is in the folder: "json", "spoken.wav"."""
    files = folder(rest).glob(f"{job_id}.*") if folder(rest).exists() else []
    return {file.name.removeprefix(f"{job_id}.") for file in files if not file.name.endswith("unfinished")}


def wait_for(rest: RestHarness, job_id: str, *names: str) -> None:
    """Until these are kept; without names, until nothing is."""
    wait_until(lambda: kept(rest, job_id) >= {*names} if names else not kept(rest, job_id), what=f"{names} are kept")


def wait_for_end(rest: RestHarness, job_id: str) -> None:
    """Until the job is kept as one that has ended: its file is there before, too."""
    file = folder(rest) / f"{job_id}.json"
    wait_until(lambda: file.exists() and json.loads(file.read_text())["job"]["state"] == "done", what="its end is kept")


def submit(rest: RestHarness, job: dict[str, Any]) -> str:
    return str(rest.ask("POST", "/jobs", 201, json=job)["id"])


def lease(rest: RestHarness, queue: str) -> LeasedJob:
    """Play the worker that takes the only job."""
    consumer = rest.backend.consumer("w1", [queue])
    (leased,) = consumer.dequeue()
    consumer.close()
    return leased


def finish(rest: RestHarness, leased: LeasedJob, result: str) -> None:
    consumer = rest.backend.consumer("w1", ["voice"])
    body = "{" + PROVENANCE + result + "}"
    assert consumer.commit([AttemptResult(leased, Outcome.DONE, body, provider="echo", mock=True)]) == [True]
    consumer.close()


def fail(rest: RestHarness, leased: LeasedJob) -> None:
    consumer = rest.backend.consumer("w1", ["voice"])
    problem = JobProblem(code="crashed", message="boom")
    assert consumer.commit([AttemptResult.with_problem(leased, Outcome.PERMANENT, problem)]) == [True]
    consumer.close()


def let_redis_forget(rest: RestHarness, job_id: str) -> None:
    assert rest.panel.connection.delete(f"rq:job:{job_id}") == 1


def kept_view(rest: RestHarness, job_id: str) -> dict[str, Any]:
    """The panel's copy of a job that is deleted from Redis. The panel registers its file shortly after writing it."""
    let_redis_forget(rest, job_id)
    wait_until(lambda: rest.sent("GET", f"/jobs/{job_id}").status_code == 200, what="the panel knows the file")
    return dict(rest.ask("GET", f"/jobs/{job_id}"))


def samples(content: bytes) -> bytes:
    with wave.open(io.BytesIO(content)) as file:
        return file.readframes(file.getnframes())


def speak(rest: RestHarness, job_id: str, *pieces: bytes) -> None:
    bus = EventBus(rest.panel.connection, "w1")
    for seq, pcm in enumerate(pieces):
        clip = AudioClip(pcm, 16_000)
        chunk: Message = AudioChunk(seq=seq, audio=encoded(clip.to_wav()), sample_rate=16_000, duration_s=1)
        bus.publish_partial(job_id, chunk)


def test_what_a_person_said_is_not_kept_unless_that_is_wanted(rest: RestHarness) -> None:
    rest.start()
    job_id = submit(rest, HEARD)
    leased = lease(rest, "voice")
    code, _ = rest.problem("GET", f"/jobs/{job_id}/media/heard", 404)
    assert code == "not_found"
    answer = rest.sent("GET", f"/jobs/{job_id}/media/heard")
    assert "RIDER_KEEP_HEARD_SOUND=true" in answer.json()["remedy"]
    finish(rest, leased, ',"text":"hello"')
    wait_for_end(rest, job_id)
    assert encoded(PCM)[:200] not in (folder(rest) / f"{job_id}.json").read_text()
    view = kept_view(rest, job_id)
    assert (view["kept"], view["media"], view["job"]["result"]["text"]) == (True, [], "hello")


def test_where_it_is_wanted_it_is_heard_after_redis_has_dropped_it(rest: RestHarness) -> None:
    rest.start(RIDER_KEEP_HEARD_SOUND="true")
    job_id = submit(rest, HEARD)
    wait_for(rest, job_id, "heard.wav")
    finish(rest, lease(rest, "voice"), ',"text":"hello"')
    wait_for_end(rest, job_id)
    view = kept_view(rest, job_id)
    assert (view["kept"], view["media"]) == (True, ["heard"])
    assert (view["payload"]["sample_rate"], "audio" in view["payload"]) == (16_000, False)
    answer = rest.sent("GET", f"/jobs/{job_id}/media/heard")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "audio/wav")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert samples(answer.content) == PCM
    assert stat.S_IMODE((folder(rest) / f"{job_id}.heard.wav").stat().st_mode) == 0o600
    rest.panel.processes.end_all()
    rest.start()
    wait_until(lambda: kept(rest, job_id) == {"json"}, what="the sound is removed")
    assert rest.ask("GET", f"/jobs/{job_id}")["media"] == [], "no longer wanted: it is removed"


def test_a_player_asks_for_parts(rest: RestHarness) -> None:
    rest.start()
    job_id = submit(rest, SEEN)
    wait_for(rest, job_id, "picture.jpg")
    part = rest.sent("GET", f"/jobs/{job_id}/media/picture", headers={"Range": "bytes=4-10"})
    assert (part.status_code, part.content, part.headers["content-type"]) == (206, b"picture", "image/jpeg")
    assert part.headers["content-range"] == f"bytes 4-10/{len(JPEG)}"
    rest.problem("GET", f"/jobs/{job_id}/media/picture", 416, headers={"Range": f"bytes={len(JPEG)}-"})
    assert rest.sent("GET", f"/jobs/{job_id}/media/picture").content == JPEG
    rest.problem("GET", f"/jobs/{job_id}/media/spoken", 404)
    rest.problem("GET", f"/jobs/{job_id}/media/sung", 400)
    rest.problem("GET", "/jobs/nobody/media/heard", 404)


def test_speech_is_put_together_from_its_pieces(rest: RestHarness) -> None:
    rest.start()
    job_id = submit(rest, {"task": "voice.synthesize", "payload": {"text": "hello"}, "stream": True})
    leased = lease(rest, "voice")
    speak(rest, job_id, PCM, PCM[:1_000])
    assert rest.ask("GET", f"/jobs/{job_id}")["media"] == []
    finish(rest, leased, ',"chunks":2,"sample_rate":16000,"duration_s":2')
    assert rest.ask("GET", f"/jobs/{job_id}")["media"] == ["spoken"], "at once"
    assert samples(rest.sent("GET", f"/jobs/{job_id}/media/spoken").content) == PCM + PCM[:1_000]
    wait_for_end(rest, job_id)
    assert "spoken.wav" in kept(rest, job_id)
    rest.panel.connection.delete(f"rider:job:{job_id}:events")
    assert kept_view(rest, job_id)["media"] == ["spoken"]
    assert samples(rest.sent("GET", f"/jobs/{job_id}/media/spoken").content) == PCM + PCM[:1_000]


def test_a_failed_job_that_is_deleted_is_gone(rest: RestHarness) -> None:
    rest.start()
    job_id = submit(rest, SEEN)
    wait_for(rest, job_id, "picture.jpg")
    fail(rest, lease(rest, "vision"))
    assert rest.sent("GET", f"/jobs/{job_id}/media/picture").content == JPEG
    rest.answer("DELETE", f"/jobs/{job_id}", 204)
    wait_for(rest, job_id)
    rest.problem("GET", f"/jobs/{job_id}", 404)


def test_a_long_text_is_seen_after_redis_has_dropped_it(rest: RestHarness) -> None:
    rest.start()
    job_id = submit(rest, {"task": "text.generate", "payload": {"prompt": "long " * 6_000, "max_tokens": 7}})
    wait_for(rest, job_id, "json")
    leased = lease(rest, "text")
    let_redis_forget(rest, job_id)
    rest.problem("GET", f"/jobs/{job_id}", 404)  # it has not ended
    other = submit(rest, {"task": "text.generate", "payload": {"prompt": "long " * 6_000, "max_tokens": 7}})
    wait_for(rest, other, "json")
    finish(rest, lease(rest, "text"), ',"text":"short"')
    wait_until(lambda: rest.ask("GET", f"/jobs/{other}")["job"]["state"] == "done", what="its end")
    assert rest.panel.connection.hget(f"rq:job:{other}", "data") == b""
    view = rest.ask("GET", f"/jobs/{other}")
    assert (view["payload"]["max_tokens"], view["shortened"], view["kept"]) == (7, True, False)
    assert view["payload"]["prompt"].startswith("long long")
    assert leased.id == job_id


def test_the_robot_s_frames_are_not_kept(rest: RestHarness) -> None:
    rest.start()
    frame = submit(rest, {**SEEN, "origin": "robot"})
    finish(rest, lease(rest, "vision"), ',"objects":[],"width":1,"height":1')
    other = submit(rest, SEEN)
    wait_for(rest, other, "picture.jpg")
    assert kept(rest, frame) == set()


def test_nothing_is_kept_where_it_is_switched_off(rest: RestHarness) -> None:
    rest.start()
    before = submit(rest, SEEN)
    wait_for(rest, before, "picture.jpg")
    rest.panel.processes.end_all()
    rest.start(RIDER_KEEP_JOBS_MB="0")
    wait_for(rest, before)
    assert rest.sent("GET", f"/jobs/{before}/media/picture").content == JPEG, "Redis has it"
    finish(rest, lease(rest, "vision"), ',"objects":[],"width":1,"height":1')
    rest.problem("GET", f"/jobs/{before}/media/picture", 404)
    assert list(folder(rest).iterdir()) == []


def test_a_folder_that_cannot_be_written_is_logged_once_and_harms_nothing(rest: RestHarness) -> None:
    folder(rest).parent.mkdir(exist_ok=True)
    folder(rest).write_bytes(b"a file in its place")
    rest.start()
    jobs = [submit(rest, SEEN) for _ in range(3)]
    wait_until(lambda: 'outcome="failed"' in rest.panel.get("/metrics").text, what="it is counted")

    def failures() -> float:
        lines = rest.panel.get("/metrics").text.splitlines()
        return sum(float(line.split()[-1]) for line in lines if 'jobs_kept_total{outcome="failed"' in line)

    wait_until(lambda: failures() == len(jobs), what="each is counted")
    assert rest.panel.processes.log("panel.log").count("jobs are not kept for later") == 1
    assert rest.ask("GET", f"/jobs/{jobs[0]}")["media"] == ["picture"], "Redis has it"


def test_the_times_of_a_conversation_outlive_the_job(rest: RestHarness) -> None:
    rest.start(RIDER_KEEP_HEARD_SOUND="true")
    job_id = submit(rest, HEARD)
    finish(rest, lease(rest, "voice"), ',"text":"hello"')
    wait_until(lambda: "json" in kept(rest, job_id), what="the job is kept")
    times = {"captured_ts": 100.5, "speech_ended_ts": 102.0, "heard_ts": 102.6, "delivered_ts": 103.25}
    rest.panel.publish("robot.transcript", job_id, text="hello", **{**times, "captured_ts": "yesterday"})
    wait_until(lambda: rest.ask("GET", f"/jobs/{job_id}")["times"]["delivered_ts"] == 103.25, what="the times")
    let_redis_forget(rest, job_id)
    rest.panel.processes.end_all()
    rest.start()
    expected = {**times, "captured_ts": None}
    wait_until(lambda: rest.ask("GET", f"/jobs/{job_id}")["times"] == expected, what="they are kept")


def test_a_picture_tells_when_it_came(rest: RestHarness) -> None:
    rest.start()
    now = time.time()
    payloads = [{"image": encoded(JPEG), "captured_ts": ts} for ts in (now - 0.5, 5.0)]
    came, strange = [submit(rest, {**SEEN, "payload": payload}) for payload in payloads]
    assert rest.ask("GET", f"/jobs/{came}")["times"]["captured_ts"] == now - 0.5
    assert rest.ask("GET", f"/jobs/{strange}")["times"]["captured_ts"] is None, "the camera's file has any time"

"""`rider schedule` and `rider scheduler` on a real Valkey."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
import redis
from harness.shell import RIDER, Shell

from rider_core.eventbus import EventBus
from rider_core.jobs import RedisJobBackend
from rider_core.jobs.rq_lists import RQLists
from rider_core.jobs.schedules import ScheduleStore, protocol
from rider_core.testing.processes import Processes
from rider_core.testing.valkey import Valkey
from rider_core.testing.waiting import wait_until

pytestmark = pytest.mark.slow

#: The limit of an idle worker as well.
MAX_MEMORY_MB = 60


@pytest.fixture
def rider(processes: Processes, valkey: Valkey) -> Shell:
    processes.environment.update(REDIS_URL=valkey.url, COLUMNS="160", TZ="Europe/Warsaw")
    return Shell(processes.environment, "schedule")


def test_a_schedule_is_added_shown_paused_and_removed(rider: Shell, connection: redis.Redis) -> None:
    options = ("--tz", "Asia/Tokyo", "--priority", "high", "--deadline", "60", "--set", "max_tokens=5")
    added = rider("add", "news", "text.generate", "-", "--cron", "0 6 * * *", *options, answer="What is new?")
    assert re.fullmatch(r"news is due next \w{3} \d{4}-\d\d-\d\d 06:00:00 JST\n", added.stdout), added.stderr
    stored = ScheduleStore(connection).get("news").schedule
    assert stored is not None
    assert stored.payload == {"prompt": "What is new?", "max_tokens": 5}
    assert (stored.priority.value, stored.deadline_s, stored.timezone) == ("high", 60, "Asia/Tokyo")

    listed = rider("list")
    for part in ("news", "text.generate", "0 6 * * * (Asia/Tokyo)", "active", "06:00:00 JST"):
        assert part in listed.stdout
    assert listed.stderr == "no scheduler is running; start one with: rider scheduler\n"

    assert "rider schedule resume news" in rider("pause", "news").stdout
    paused = json.loads(rider("list", "--json").stdout)
    assert (paused["next_ts"], paused["schedule"]["enabled"]) == (None, False)
    assert rider("resume", "news").stdout == added.stdout
    assert rider("remove", "news").stdout == "news is removed\n"
    assert "no schedules; add one with" in rider("list").stdout
    again = rider("remove", "news")
    assert (again.returncode, "there is no schedule 'news'" in again.stderr) == (1, True)


def test_a_file_is_read_when_it_is_added(rider: Shell, connection: redis.Redis, tmp_path: Path) -> None:
    (tmp_path / "frame.jpg").write_bytes(b"\xff\xd8")
    assert rider("add", "look", "vision.detect", str(tmp_path / "frame.jpg"), "--every", "3600").returncode == 0
    stored = ScheduleStore(connection).get("look").schedule
    assert stored is not None
    assert (stored.payload, stored.timezone) == ({"image": "/9g="}, "Europe/Warsaw")
    assert rider("add", "look", "vision.detect", "gone.jpg", "--every", "5").returncode == 2


def test_the_job_of_a_schedule_is_submitted_now(rider: Shell, connection: redis.Redis) -> None:
    assert rider("add", "tick", "text.generate", "hi", "--every", "1h30m").returncode == 0
    stored = ScheduleStore(connection).get("tick")
    assert stored.schedule is not None
    assert stored.schedule.every_s == 5_400
    rider("pause", "tick")
    submitted = rider("run", "tick")
    assert re.fullmatch(r"job tick-\d+ is submitted\n", submitted.stdout), submitted.stderr
    assert sum(queue.waiting for queue in RedisJobBackend(connection, RQLists()).stats()) == 1
    assert ScheduleStore(connection).get("tick").fired == 0
    assert "no schedule 'tock'" in rider("run", "tock").stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--cron", "0 25 * * *"], "cron: '0 25 * * *' is never due"),
        (["--cron", "hourly"], "it must be five fields, minute hour day month weekday"),
        (["--cron", "* * * * *", "--tz", "Warsaw"], "use an IANA name such as Europe/Warsaw"),
        ([], "exactly one of cron and every_s"),
        (["--cron", "@often"], "or one of @hourly, @daily"),
        (["--every", "5", "--set", "temper=1"], "payload.temper"),
    ],
)
def test_an_invalid_schedule_is_refused(rider: Shell, options: list[str], message: str) -> None:
    refused = rider("add", "tick", "text.generate", "hi", *options)
    assert refused.returncode == 1
    assert message in refused.stderr
    assert "no schedules" in rider("list").stdout


def test_a_disabled_schedule_is_shown_with_its_reason(rider: Shell, connection: redis.Redis) -> None:
    rider("add", "tick", "text.generate", "hi", "--every", "3600")
    connection.hset(protocol.schedule_key("tick"), "problem", "there is no task 'text.generate'")
    assert "tick is disabled: there is no task 'text.generate'; after correcting it" in rider("list").stdout


def test_times_are_previewed(rider: Shell) -> None:
    lines = rider("next", "30 2 * * mon", "--tz", "Europe/Warsaw", "--count", "3").stdout.splitlines()
    assert len(lines) == 3
    for line in lines:
        assert re.fullmatch(r"Mon \d{4}-\d\d-\d\d 0[23]:\d0:00 CES?T", line)
    assert len(rider("next", "* * * * *").stdout.splitlines()) == 5
    assert "it must be five fields" in rider("next", "@often").stderr


def test_the_process_is_light_and_outlives_redis(
    rider: Shell, valkey: Valkey, connection: redis.Redis, processes: Processes
) -> None:
    schedules = ScheduleStore(connection)
    process = processes.start(*RIDER, "scheduler")
    wait_until(lambda: schedules.schedulers() == 1, what="the scheduler")
    rider("add", "tick", "text.generate", "hi", "--every", "1")
    wait_until(lambda: schedules.get("tick").fired, what="a job")
    assert (
        f"tick-{schedules.get('tick').last_due_ts}"
        == RedisJobBackend(connection, RQLists()).get(f"tick-{schedules.get('tick').last_due_ts}").id
    )
    statuses = [event for event in EventBus(connection, "test").recent(100) if event.kind == "process.status"]
    assert (statuses[-1].data["role"], statuses[-1].data["name"]) == ("scheduler", f"scheduler-{process.pid}")

    valkey.kill()
    wait_until(lambda: "Redis cannot be reached" in processes.log(), what="the log line about Redis")
    valkey.start()
    before = schedules.get("tick").fired
    wait_until(lambda: schedules.get("tick").fired > before, what="a job after that")
    assert schedules.get("tick").missed == 0
    status = Path(f"/proc/{process.pid}/status").read_text()
    memory_mb = int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024  # type: ignore[index]
    assert memory_mb < MAX_MEMORY_MB

    terminated = time.monotonic()
    process.terminate()
    assert process.wait(timeout=10) == 0
    assert time.monotonic() - terminated < 3
    assert schedules.schedulers() == 0

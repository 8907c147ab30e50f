"""When a schedule is due, in its time zone and in the machine's."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from schedule_harness import schedule

from rider_core.api import schedules
from rider_core.api.schedules import machine_timezone
from rider_core.jobs.schedules import due_times
from rider_core.jobs.schedules.times import MAX_COUNTED

WARSAW = ZoneInfo("Europe/Warsaw")


def shown(zone: ZoneInfo, *texts: str) -> list[int]:
    """Seconds since the epoch; a text may end with an offset."""
    times = [datetime.fromisoformat(text) for text in texts]
    return [int((it if it.tzinfo else it.replace(tzinfo=zone)).timestamp()) for it in times]


def first_due(cron: str, start: str, number: int) -> list[int]:
    times = due_times(schedule(cron=cron, timezone="Europe/Warsaw"))
    found: list[int] = []
    ts: float = shown(WARSAW, start)[0]
    for _ in range(number):
        ts = times.after(ts)
        found.append(int(ts))
    return found


# When they are due


@pytest.mark.parametrize(
    ("cron", "start", "due"),
    [
        ("*/20 9 * * mon-fri", "2026-03-06T09:15", ["2026-03-06T09:20", "2026-03-06T09:40", "2026-03-09T09:00"]),
        # Either of the days, as cron has always had it.
        ("0 0 13 * 5", "2026-01-01T00:00", ["2026-01-02T00:00", "2026-01-09T00:00", "2026-01-13T00:00"]),
        ("0 12 29 2 *", "2026-01-01T00:00", ["2028-02-29T12:00"]),
        # 29 March 2026: the clock goes from 02:00 to 03:00.
        ("30 2 * * *", "2026-03-28T12:00", ["2026-03-29T03:00+02:00", "2026-03-30T02:30"]),
        ("15 */2 * * *", "2026-03-29T01:00", ["2026-03-29T03:00+02:00", "2026-03-29T04:15"]),
        ("0,30 2,3 * * *", "2026-03-29T01:00", ["2026-03-29T03:00", "2026-03-29T03:30", "2026-03-30T02:00"]),
        ("*/30 * * * *", "2026-03-29T01:15", ["2026-03-29T01:30", "2026-03-29T03:00", "2026-03-29T03:30"]),
        # 25 October 2026: 02:00 to 03:00 comes twice.
        ("30 2 * * *", "2026-10-24T12:00", ["2026-10-25T02:30+02:00", "2026-10-26T02:30"]),
        ("*/40 2 * * *", "2026-10-25T02:10+02:00", ["2026-10-25T02:40+02:00", "2026-10-26T02:00"]),
        ("30 2 * * *", "2026-10-25T02:10+01:00", ["2026-10-26T02:30"]),
        ("30 * * * *", "2026-10-25T02:00+02:00", ["2026-10-25T02:30+02:00", "2026-10-25T02:30+01:00"]),
    ],
)  # fmt: skip
def test_cron_is_due_in_its_time_zone(cron: str, start: str, due: list[str]) -> None:
    assert first_due(cron, start, len(due)) == shown(WARSAW, *due)


@pytest.mark.parametrize(
    ("cron", "alike"),
    [
        ("0 7-7 * * *", "0 7 * * *"),
        ("0-0 0-0 * * *", "0 0 * * *"),
        ("0 0 * * mon-mon", "0 0 * * mon"),
        ("0 0 * jan-JAN *", "0 0 * 1 *"),
        ("59-59 23-23 31-31 12-12 *", "59 23 31 12 *"),
        ("5,10-10,20-22 07-7 * * *", "5,10,20-22 7 * * *"),
        ("7-7/2 0 * * *", "7 0 * * *"),
        ("0 0 * * sun-7", "0 0 * * 0"),
        ("0 0 * * fri-5", "0 0 * * 5"),
        ("0 0 * * 0-7", "0 0 * * *"),
        ("0 0 * * 7-0", "0 0 * * 0"),
        ("0 7-0 * * *", "0 0,7-23 * * *"),  # of an hour, that is the rest of the day
        ("0 0 * * sat-7,2-2", "0 0 * * 0,2,6"),
        ("0 0 * * mon-fri/2", "0 0 * * 1,3,5"),
        ("@daily", "0 0 * * *"),
        ("@Hourly", "0 * * * *"),
        ("@weekly", "0 0 * * sun"),
        ("@yearly", "0 0 1 jan *"),
    ],
)
def test_a_range_from_a_value_to_itself_is_that_value(cron: str, alike: str) -> None:
    assert first_due(cron, "2026-01-01T00:00", 20) == first_due(alike, "2026-01-01T00:00", 20)


def test_an_interval_does_not_drift() -> None:
    times = due_times(schedule(every_s=30, since_ts=1_000_000_007))
    assert times.after(1_000_000_007) == 1_000_000_037
    assert times.after(1_000_000_036.9) == 1_000_000_037
    assert times.after(1_000_000_037.0) == 1_000_000_067
    assert times.after(0) == 17, "the clock may have been set back since it began"


@pytest.mark.parametrize(
    "fields", [{"cron": "7 4 * * *"}, {"cron": "* * * * *"}, {"cron": "0 0 1 1 *"}, {"every_s": 7}]
)
def test_the_latest_is_found_however_long_it_was(fields: dict[str, Any]) -> None:
    times = due_times(schedule(**fields))
    first = times.after(1_700_000_000)
    for later_s in (0, 1, 59, 3_600, 100_000, 40_000_000):
        latest = times.latest(first, first + later_s)
        assert first <= latest <= first + later_s < times.after(latest)
    assert times.count(first, times.after(times.after(first))) == 2
    assert times.count(first, first + 10**9) <= MAX_COUNTED


def test_the_machine_says_its_time_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Warsaw")
    assert machine_timezone() == "Europe/Warsaw"
    monkeypatch.delenv("TZ")
    assert ZoneInfo(machine_timezone())


ZONES = Path("/usr/share/zoneinfo")


@pytest.mark.skipif(not ZONES.is_dir(), reason="the system has no time zones of its own")
class TestTheMachinesZone:
    @pytest.fixture(autouse=True)
    def a_machine(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("TZ", raising=False)
        monkeypatch.setattr(schedules, "_LOCAL_TIME", tmp_path / "localtime")
        monkeypatch.setattr(schedules, "_TIME_ZONE", tmp_path / "timezone")
        self.local_time, self.named = tmp_path / "localtime", tmp_path / "timezone"

    @pytest.mark.parametrize("variable", [None, ":{}", "{}"])
    def test_is_a_link(self, monkeypatch: pytest.MonkeyPatch, variable: str | None) -> None:
        self.local_time.symlink_to(ZONES / "Europe/Warsaw")
        if variable:
            monkeypatch.setenv("TZ", variable.format(self.local_time))
        assert machine_timezone() == "Europe/Warsaw"

    def test_is_in_a_file_beside_a_copy(self) -> None:
        self.local_time.write_bytes((ZONES / "Europe/Warsaw").read_bytes())
        self.named.write_text("Europe/Warsaw\n")
        assert machine_timezone() == "Europe/Warsaw"

    def test_is_a_copy(self) -> None:
        self.local_time.write_bytes((ZONES / "Europe/Warsaw").read_bytes())
        assert machine_timezone() == "Europe/Warsaw"

    @pytest.mark.parametrize("named", [None, "Warszawa", "\xff"])
    def test_is_not_told(self, caplog: pytest.LogCaptureFixture, named: str | None) -> None:
        if named:
            self.named.write_text(named)
        assert machine_timezone() == "UTC"
        assert "the time zone of this machine is unknown" in caplog.text

"""`rider backup` and back: all that people save comes back, and an archive that is not whole changes nothing."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from harness.postgresql import NEEDED, PostgresServer, postgres
from redis import Redis

from rider_core.api.schedules import Schedule
from rider_core.database import Database
from rider_core.database.audit_log import AuditEntry, AuditLog
from rider_core.database.dump import dump_tables, replace_tables
from rider_core.database.saved import saved_choices, saved_prompts, saved_settings
from rider_core.errors import InvalidInput, TooLarge
from rider_core.jobs.schedules import ScheduleStore
from rider_core.runtime import backup as backup_module
from rider_core.runtime.backup import MANIFEST, SCHEDULES, SETTINGS, write_backup
from rider_core.runtime.restore import read_backup
from rider_core.testing.processes import Processes
from rider_core.testing.valkey import Valkey

__all__ = ["postgres"]

DAILY = Schedule(id="daily", cron="@daily", task="text.generate", payload={"prompt": "x"})


@pytest.fixture
def database(request: pytest.FixtureRequest, processes: Processes, valkey: Valkey) -> Iterator[Database]:
    """A database with something of each kind, and Redis with a schedule."""
    url = f"sqlite:///{processes.folder / 'rider.db'}"
    if getattr(request, "param", "") == "postgresql":
        url = request.getfixturevalue("postgres").new_database()
    processes.environment.update(
        REDIS_URL=valkey.url, DATABASE_URL=url, RIDER_CONFIG=str(processes.folder / "rider.toml")
    )
    (processes.folder / "rider.toml").write_text('language = "pl"\n')
    with closing(Database(url)) as opened:
        opened.upgrade()
        opened.save_settings("espeak", {"speed": 3, "api_key": "zażółć"})
        opened.save_prompt("robot", "pl", "Mów krótko.")
        opened.place_providers(["espeak"])
        yield opened


def rows(database: Database) -> dict[str, list[dict]]:
    """Everything in the database but the audit log."""
    found: dict[str, list[dict]] = {}
    dump_tables(database, lambda table, each: found.update({table: list(each)}))
    del found["audit_log"]
    return found


def run(processes: Processes, *arguments: str, log: str) -> str:
    assert processes.fork("rider_core.cli.main", "backup", *arguments, log=log).wait(60) == 0, processes.log(log)
    return processes.log(log)


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=NEEDED)], indirect=True)
def test_all_comes_back_and_the_former_state_is_kept(
    database: Database, processes: Processes, connection: Redis
) -> None:
    schedules = ScheduleStore(connection)
    schedules.add(DAILY)
    before, target = rows(database), processes.folder / "backup.zip"
    run(processes, "--output", str(target), log="backup")
    assert target.stat().st_mode & 0o077 == 0
    # Everything is changed.
    schedules.remove("daily")
    schedules.add(Schedule(id="other", every_s=60, task="text.generate", payload={"prompt": "y"}))
    database.save_settings("espeak", {"speed": 9})
    database.save_prompt("robot", "pl", "Mów długo.")
    database.save_prompt("new", "en", "More.")
    database.enable_provider("espeak", False)
    (processes.folder / "rider.toml").write_text('language = "en"\n')
    changed = rows(database)
    output = run(processes, "restore", str(target), "--yes", log="restore")
    assert rows(database) == before
    assert [record.id for record in schedules.records()] == ["daily"]
    assert schedules.get("daily").schedule == DAILY
    assert (processes.folder / "rider.toml").read_text() == 'language = "pl"\n'
    entry = AuditLog(database).entries(1)[0]
    assert (entry.action, entry.who) == ("restore_backup", "local")
    # And what was there before the restore, too.
    aside = next((processes.folder / "data" / "backups").iterdir())
    assert str(aside) in output
    run(processes, "restore", str(aside), "--yes", log="back")
    assert rows(database) == changed
    assert [record.id for record in schedules.records()] == ["other"]
    assert (processes.folder / "rider.toml").read_text() == 'language = "en"\n'


def test_without_redis_the_schedules_are_left_out(database: Database, processes: Processes) -> None:
    processes.environment["REDIS_URL"] = "redis://127.0.0.1:1/0"
    target = processes.folder / "backup.zip"
    assert processes.fork("rider_core.cli.main", "backup", "--output", str(target), log="refused").wait(60) == 1
    assert not target.exists()
    run(processes, "--without-schedules", "--output", str(target), log="backup")
    database.save_prompt("robot", "pl", "Mów długo.")
    assert "has no schedules" in run(processes, "restore", str(target), "--yes", log="restore")
    url = processes.environment["DATABASE_URL"]
    assert saved_prompts(url) == {"robot": {"pl": "Mów krótko."}}
    assert saved_settings(url)["espeak"]["api_key"] == "zażółć"
    assert saved_choices(url)["espeak"].place == 0


def archive_of(database: Database) -> bytes:
    content = io.BytesIO()
    write_backup(content, database, [DAILY])
    return content.getvalue()


@NEEDED
def test_an_installation_moves_from_sqlite_to_postgresql(database: Database, postgres: PostgresServer) -> None:
    log = AuditLog(database)
    for number in range(3):
        log.write(AuditEntry(float(number), "ola", "", "save_settings", "/x", 200, {"a": None}, {"a": [1.5, "ż"]}))
    with closing(Database(postgres.new_database())) as target:
        target.upgrade()
        replace_tables(target, read_backup(io.BytesIO(archive_of(database)), target.revision()).tables)
        assert rows(target) == rows(database)
        moved = AuditLog(target)
        assert moved.entries(10) == log.entries(10)
        moved.write(AuditEntry(9.0, "ola", "", "save_settings", "/y", 200))
        assert [entry.id for entry in moved.entries(2)] == [4, 3], "its numbers go on"


def changed(archive: bytes, change: Callable[[dict[str, bytes]], None]) -> io.BytesIO:
    """The archive with other files."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        files = {name: opened.read(name) for name in opened.namelist()}
    change(files)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as opened:
        for name, content in files.items():
            opened.writestr(name, content)
    return target


def edit(name: str, content: bytes, fits_manifest: bool = False) -> Callable[[dict[str, bytes]], None]:
    """A change of one file; `fits_manifest`: the manifest tells of it, as one by hand could."""

    def change(files: dict[str, bytes]) -> None:
        files[name] = content
        if fits_manifest:
            manifest = json.loads(files[MANIFEST])
            about = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            manifest["files"][name] = about
            files[MANIFEST] = json.dumps(manifest).encode()

    return change


def edit_manifest(**changes: object) -> Callable[[dict[str, bytes]], None]:
    return lambda files: files.update({MANIFEST: json.dumps(json.loads(files[MANIFEST]) | changes).encode()})


PROMPTS = "tables/system_prompts.jsonl"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (edit("../../etc/passwd", b"x", fits_manifest=True), "no backup has a file"),
        (edit("/etc/passwd", b"x"), "no backup has a file"),
        (edit("tables/alembic_version.jsonl", b"", fits_manifest=True), "no backup has a file"),
        (edit(PROMPTS, b"{}\n"), "is damaged"),
        (edit(PROMPTS, b"{}\n", fits_manifest=True), "is no row of that table"),
        (edit(PROMPTS, b"[" * 100_000, fits_manifest=True), "is no row of that table"),
        (edit(SCHEDULES, b'{"id": "x"}\n', fits_manifest=True), "task"),
        (lambda files: files.pop(PROMPTS), "has not the files of its manifest"),
        (lambda files: files.pop(MANIFEST), "has no manifest"),
        (edit_manifest(format=2), "format"),
        (edit_manifest(revision="0000"), "tables of revision '0000'"),
        (edit(MANIFEST, b"{}"), "missing"),
    ],
)  # fmt: skip
def test_an_archive_that_is_not_whole_is_refused(
    database: Database, change: Callable[[dict[str, bytes]], None], reason: str
) -> None:
    archive = archive_of(database)
    read_backup(io.BytesIO(archive), database.revision())
    with pytest.raises(InvalidInput, match=reason):
        read_backup(changed(archive, change), database.revision())


def test_a_file_that_is_no_archive_changes_nothing(database: Database, processes: Processes, tmp_path: Path) -> None:
    before = rows(database)
    archive = archive_of(database)
    for name, content in (("text", b"not a zip"), ("half", archive[: len(archive) // 2]), ("none", b"")):
        (tmp_path / name).write_bytes(content)
        status = processes.fork("rider_core.cli.main", "backup", "restore", str(tmp_path / name), "--yes").wait(60)
        assert status == 1
        assert "this is no backup" in processes.log()
    assert rows(database) == before


def test_wrong_settings_change_nothing(database: Database, processes: Processes, tmp_path: Path) -> None:
    before = rows(database)
    wrong = changed(archive_of(database), edit(SETTINGS, b"language =\n", fits_manifest=True))
    database.save_prompt("robot", "pl", "Mów długo.")
    now = rows(database)
    (tmp_path / "wrong.zip").write_bytes(wrong.getvalue())
    assert (
        processes.fork("rider_core.cli.main", "backup", "restore", str(tmp_path / "wrong.zip"), "--yes").wait(60) == 1
    )
    assert "line 1" in processes.log()
    assert rows(database) == now != before
    assert (processes.folder / "rider.toml").read_text() == 'language = "pl"\n'
    assert not (processes.folder / "rider.toml.new").exists()


def test_a_backup_has_its_limit(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup_module, "MAX_BYTES", 50)
    with pytest.raises(TooLarge, match="a backup would have more than"):
        write_backup(io.BytesIO(), database, None)

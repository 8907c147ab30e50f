"""Settings and the history in the database: what is stored, and what is refused."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import create_engine, event, text

from rider_core.api import JobProblem, JobRecord, JobState, Priority
from rider_core.database import Database
from rider_core.database.database import BATCH_ROWS, MAX_PROBLEM_CHARACTERS, MAX_SETTINGS_BYTES, PRUNE_EVERY_ROWS
from rider_core.database.saved import saved_settings, size_bytes
from rider_core.errors import DatabaseError, InvalidInput, TooLarge


def ended(number: int, **fields: object) -> JobRecord:
    """A job that ended at second `number`."""
    record = JobRecord(
        id=f"job-{number:05}",
        task="voice.transcribe",
        state=JobState.DONE,
        queue="voice",
        priority=Priority.HIGH,
        origin="robot",
        attempts=1,
        submitted_ts=number - 1.0,
        started_ts=number - 0.5,
        ended_ts=float(number),
        provider="whisper",
    )
    return record.model_copy(update=fields)


def test_settings_come_back_and_are_replaced(database: Database, url: str) -> None:
    assert saved_settings(url) == {}
    database.save_settings("whisper", {"model": "whisper-base", "beam": 5})
    database.save_settings("whisper", {"model": "żółw\x00"})
    database.save_settings("espeak", {})
    assert saved_settings(url) == {"espeak": {}, "whisper": {"model": "żółw\x00"}}


def test_settings_that_are_not_json_or_too_large_are_refused_and_the_old_ones_stay(
    database: Database, url: str
) -> None:
    database.save_settings("whisper", {"beam": 5})
    with pytest.raises(InvalidInput, match="whisper are not JSON"):
        database.save_settings("whisper", {"beam": float("nan")})
    with pytest.raises(InvalidInput, match="not JSON"):
        database.save_settings("whisper", {"beam": object()})
    with pytest.raises(TooLarge, match=f"limit is {MAX_SETTINGS_BYTES}"):
        database.save_settings("whisper", {"prompt": "x" * MAX_SETTINGS_BYTES})
    assert saved_settings(url) == {"whisper": {"beam": 5}}


def test_jobs_come_back_newest_first(database: Database) -> None:
    problem = JobProblem(code="model", message="model whisper-base is missing", remedy="rider models pull whisper-base")
    failed = ended(3, state=JobState.FAILED, problem=problem, attempts=3, mock=True)
    cancelled = ended(2, state=JobState.CANCELLED, started_ts=None, provider=None, attempts=0)
    database.record_jobs([ended(1, result={"text": "not stored"}), failed, cancelled])
    assert database.recent_jobs(10) == [failed, cancelled, ended(1)]
    assert database.recent_jobs(1) == [failed]
    assert database.recent_jobs(-1) == []


def test_a_job_that_is_recorded_twice_is_there_once_as_it_was_last(database: Database) -> None:
    database.record_jobs([ended(1), ended(1, attempts=2)])
    database.record_jobs([ended(1, attempts=3), ended(2)])
    assert [(job.id, job.attempts) for job in database.recent_jobs(10)] == [("job-00002", 1), ("job-00001", 3)]


def test_many_jobs_go_in_batches(database: Database) -> None:
    transactions = []
    event.listen(database._engine, "commit", lambda _: transactions.append(1))
    database.record_jobs([ended(number) for number in range(BATCH_ROWS + 1)])
    assert len(transactions) == 2
    assert len(database.recent_jobs(10_000)) == BATCH_ROWS + 1


def test_a_job_that_has_not_ended_is_refused(database: Database) -> None:
    with pytest.raises(InvalidInput, match="job-00002 is running"):
        database.record_jobs([ended(1), ended(2, state=JobState.RUNNING, ended_ts=None)])
    assert database.recent_jobs(10) == []


def test_a_problem_with_a_long_text_and_nul_is_kept_cut(database: Database) -> None:
    problem = JobProblem(code="provider", message="\x00" + "x" * (MAX_PROBLEM_CHARACTERS + 100))
    database.record_jobs([ended(1, state=JobState.FAILED, problem=problem)])
    stored = database.recent_jobs(1)[0].problem
    assert stored is not None
    assert stored.message == "\ufffd" + "x" * (MAX_PROBLEM_CHARACTERS - 1)


def test_pruning_keeps_the_newest_even_among_equal_times(database: Database) -> None:
    database.record_jobs([ended(number, ended_ts=7.0) for number in range(20)] + [ended(90)])
    assert database.prune_history(keep=5) == 16
    assert [job.id for job in database.recent_jobs(10)] == ["job-00090"] + [f"job-{n:05}" for n in (19, 18, 17, 16)]
    assert database.prune_history(keep=5) == 0


def test_the_history_is_pruned_automatically(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Database.prune_history, "__defaults__", (50,))
    for first in range(0, 2 * PRUNE_EVERY_ROWS, 100):
        database.record_jobs([ended(number) for number in range(first, first + 100)])
    assert len(database.recent_jobs(10_000)) == 50


def test_threads_write_and_read_at_once(database: Database) -> None:
    def work(number: int) -> int:
        database.record_jobs([ended(n) for n in range(number, number + 40)])
        database.save_settings("whisper", {"beam": number})
        return len(database.recent_jobs(1_000))

    with ThreadPoolExecutor(8) as pool:
        counts = list(pool.map(work, range(0, 320, 20)))
    assert min(counts) >= 40
    assert len(database.recent_jobs(1_000)) == 340


def test_a_database_that_was_not_migrated_names_the_command(url: str) -> None:
    database = Database(url)
    for call in (
        lambda: database.recent_jobs(1),
        lambda: database.save_settings("x", {}),
        lambda: database.record_jobs([ended(1)]),
    ):
        with pytest.raises(DatabaseError, match=r"not migrated.*\(rider db upgrade\)"):
            call()
    database.close()


def test_a_statement_that_fails_does_not_show_its_values(database: Database) -> None:
    with database._engine.begin() as connection:
        connection.execute(text("ALTER TABLE provider_settings RENAME COLUMN settings TO other"))
    with pytest.raises(DatabaseError, match="cannot be used") as caught:
        database.save_settings("whisper", {"key": "canary-123"})
    assert "canary-123" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "not a database URL"),
        ("mysql://host/name", "kind 'mysql' is not supported|kind 'mysql' are not supported"),
        ("sqlite://", "has no file"),
        ("sqlite:///:memory:", "has no file"),
        ("postgresql+nosuch://host/name", "driver for postgresql.nosuch is not installed"),
    ],
)
def test_urls_that_cannot_work(url: str, message: str) -> None:
    with pytest.raises(DatabaseError, match=message):
        Database(url)


def test_an_unreachable_server_is_named_without_its_password() -> None:
    pytest.importorskip("psycopg")
    database = Database("postgresql://rider:canary@127.0.0.1:1/rider")
    for call in (database.upgrade, database.revision, lambda: database.recent_jobs(1)):
        with pytest.raises(
            DatabaseError, match=r"rider:\*\*\*@127.0.0.1:1/rider cannot be used.*rider db upgrade"
        ) as caught:
            call()
        assert "canary" not in str(caught.value)
    database.close()


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "rider.db").write_text("no database")
    database = Database(f"sqlite:///{tmp_path / 'rider.db'}")
    with pytest.raises(DatabaseError, match="file is not a database"):
        database.upgrade()
    database.close()


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DatabaseError, match=r"cannot be made.*RIDER_DATA_DIR"):
        Database(f"sqlite:///{tmp_path / 'file' / 'rider.db'}")


def test_the_sqlite_file_is_the_owners_alone_and_ready_for_several_processes(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "rider.db"
    database = Database(f"sqlite:///{path}")
    database.upgrade()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with database._engine.connect() as connection:
        pragmas = ("journal_mode", "foreign_keys", "busy_timeout")
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in pragmas]
    database.close()
    assert found == ["wal", 1, 5000]


def test_settings_persist(url: str) -> None:
    for beam in (1, 2):
        database = Database(url)
        database.upgrade()
        database.save_settings("whisper", {"beam": beam})
        database.close()
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT provider FROM provider_settings")).all() == [("whisper",)]
    engine.dispose()


def test_the_size_grows_with_what_is_stored(database: Database, url: str) -> None:
    before = size_bytes(url)
    assert before > 1_000
    database.record_jobs([ended(number) for number in range(2_000)])
    assert size_bytes(url) > before + 100_000


def test_a_database_that_does_not_exist_has_no_size(tmp_path: Path) -> None:
    assert size_bytes(f"sqlite:///{tmp_path / 'none.db'}") == 0
    assert list(tmp_path.iterdir()) == []

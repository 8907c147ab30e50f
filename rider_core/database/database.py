"""Writes to the database, reads the history, and runs migrations. Every failure is raised as a `DatabaseError`."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from importlib import import_module
from itertools import islice
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from rider_core.api import JobProblem, JobRecord, JobState, Priority
from rider_core.api.languages import CODE_PATTERN
from rider_core.api.text_generation import MAX_PROMPT_CHARACTERS, PRESET_PATTERN
from rider_core.database.engine import SQLITE_BEGIN, open_engine
from rider_core.database.reading import keeping_files
from rider_core.database.tables import Base, JobHistory, ProviderChoiceRow, ProviderSettings, SystemPrompt
from rider_core.errors import DatabaseError, InvalidInput, TooLarge

#: Rows of history that are kept: a day of a talkative robot (one utterance in ten seconds is 8,640), about 3 MB.
HISTORY_ROWS = 10_000
#: Rows after which `record_jobs` prunes the table; it stays below the sum of the two.
PRUNE_EVERY_ROWS = 1_000
#: Rows of one transaction. It takes a few milliseconds, so that other writers of SQLite hardly wait.
BATCH_ROWS = 500
#: Limit of one provider's settings, in bytes of JSON: they have a few dozen short fields.
MAX_SETTINGS_BYTES = 64 * 1024
#: System prompts, each language counted: a handful for each robot.
MAX_PROMPTS = 500
#: A problem is one or two sentences; a traceback in it is truncated.
MAX_PROBLEM_CHARACTERS = 2_000


class Database:
    """One process's connections to the database. May be used from several threads."""

    def __init__(self, url: str) -> None:
        """
        Args:
            url: `sqlite:////folder/file.db` or `postgresql://user:password@host/name`.

        Raises:
            DatabaseError: the URL cannot be used. No connection is made yet.
        """
        self._engine = open_engine(url)
        # Both databases support the same upsert; SQLAlchemy has a function for each.
        self._insert: Callable[[type[Base]], sqlite.Insert | postgresql.Insert] = (
            sqlite.insert if self._engine.dialect.name == "sqlite" else postgresql.insert
        )
        self._rows_since_prune = 0

    def upgrade(self) -> None:
        """Run the missing migrations. Two processes may call it at the same time: one migrates, the other waits.

        Raises:
            DatabaseError: the database cannot be reached, or a newer version of rider-core has migrated it.
        """
        try:
            with self._engine.execution_options(**{SQLITE_BEGIN: "BEGIN IMMEDIATE"}).begin() as connection:
                _migrate().upgrade(connection)
        except _migrate().CommandError as error:
            raise self._error("has migrations that this version lacks", error, "update rider-core") from error
        except SQLAlchemyError as error:
            raise self._unusable(error) from error

    def revision(self) -> str | None:
        """The current migration of the database. None: it was never migrated."""
        try:
            with self._engine.connect() as connection:
                revision: str | None = _migrate().revision_of(connection)
                return revision
        except SQLAlchemyError as error:
            raise self._unusable(error) from error

    def is_current(self) -> bool:
        """Whether the database has exactly the tables of this version."""
        return bool(self.revision() == _migrate().head_revision())

    def save_settings(self, provider: str, settings: dict[str, Any]) -> None:
        """Replace what is saved for `provider`.

        Raises:
            InvalidInput: the settings cannot be written as JSON.
            TooLarge: they have more than `MAX_SETTINGS_BYTES`.
        """
        try:
            size_bytes = len(json.dumps(settings, allow_nan=False).encode())
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidInput(f"the settings of {provider} are not JSON: {error}") from None
        if size_bytes > MAX_SETTINGS_BYTES:
            raise TooLarge(f"the settings of {provider} have {size_bytes} bytes, the limit is {MAX_SETTINGS_BYTES}")
        self._put(ProviderSettings, [{"provider": provider, "settings": settings, "updated_ts": time.time()}])

    def enable_provider(self, provider: str, enabled: bool) -> None:
        """Switch a provider on or off; its place stays."""
        row = {"provider": provider, "enabled": enabled, "place": None, "updated_ts": time.time()}
        self._put(ProviderChoiceRow, [row], {"enabled", "updated_ts"})

    def place_providers(self, providers: Sequence[str]) -> None:
        """Give providers their places, in this order; whether they are on stays."""
        rows = [
            {"provider": name, "enabled": True, "place": place, "updated_ts": time.time()}
            for place, name in enumerate(providers)
        ]
        # Sorted: two processes that write the same rows cannot deadlock.
        self._put(ProviderChoiceRow, sorted(rows, key=lambda row: str(row["provider"])), {"place", "updated_ts"})

    def save_prompt(self, name: str, language: str, text: str) -> None:
        """Save a system prompt, or replace it.

        Raises:
            InvalidInput: the name or the language is malformed, or the text is empty.
            TooLarge: the text is longer than a request allows, or there are `MAX_PROMPTS` already.
        """
        if not re.fullmatch(PRESET_PATTERN, name):
            raise InvalidInput(f"{name[:40]!r} is no name for a system prompt", remedy="use lower case and dashes")
        if not re.fullmatch(CODE_PATTERN, language):
            raise InvalidInput(f"{language[:20]!r} is no language", remedy="use ISO 639-1, such as pl or en")
        if not text.strip():
            raise InvalidInput(f"the system prompt {name!r} is empty", remedy=f"rider prompts reset {name}")
        if len(text) > MAX_PROMPT_CHARACTERS:
            raise TooLarge(f"the system prompt has {len(text)} characters, the limit is {MAX_PROMPT_CHARACTERS}")
        with self.session() as session:
            known = session.execute(select(SystemPrompt.name, SystemPrompt.language)).all()
        if (name, language) not in known and len(known) >= MAX_PROMPTS:
            raise TooLarge(f"there are {MAX_PROMPTS} system prompts already", remedy="rider prompts reset NAME")
        row = {"name": name, "language": language, "text": _text(text, None), "updated_ts": time.time()}
        self._put(SystemPrompt, [row])

    def delete_prompt(self, name: str, language: str | None = None) -> int:
        """Delete the saved texts of a prompt, in one language or in all. Returns how many were deleted."""
        rows = delete(SystemPrompt).where(SystemPrompt.name == name)
        if language is not None:
            rows = rows.where(SystemPrompt.language == language)
        with self.session() as session:
            return len(session.execute(rows.returning(SystemPrompt.language)).all())

    def record_jobs(self, records: Sequence[JobRecord]) -> None:
        """Add jobs that have ended to the history. A job that is in it already is replaced.

        Raises:
            InvalidInput: a job has not ended. None is written then.
        """
        rows = {record.id: _row(record) for record in records}
        # Sorted by id: two processes that write the same jobs cannot deadlock.
        ordered = iter([rows[job_id] for job_id in sorted(rows)])
        while batch := list(islice(ordered, BATCH_ROWS)):
            self._put(JobHistory, batch)
        self._rows_since_prune += len(rows)
        if self._rows_since_prune >= PRUNE_EVERY_ROWS:
            self.prune_history()

    def recent_jobs(self, limit: int) -> list[JobRecord]:
        """The jobs that ended last, newest first, at most `HISTORY_ROWS`. Results are not in the history."""
        newest = select(JobHistory).order_by(JobHistory.ended_ts.desc(), JobHistory.id.desc())
        with self.session() as session:
            return [_record(row) for row in session.scalars(newest.limit(max(0, min(limit, HISTORY_ROWS))))]

    def prune_history(self, keep: int = HISTORY_ROWS) -> int:
        """Delete all but the newest `keep` jobs. Returns how many were deleted."""
        newest = select(JobHistory.id).order_by(JobHistory.ended_ts.desc(), JobHistory.id.desc())
        with self.session() as session:
            deleted = session.execute(
                delete(JobHistory).where(JobHistory.id.in_(newest.offset(keep))).returning(JobHistory.id)
            )
            count = len(deleted.all())
        self._rows_since_prune = 0
        return count

    def close(self) -> None:
        """Close the connections."""
        file = self._engine.url.database if self._engine.dialect.name == "sqlite" else None
        with keeping_files(file) if file else nullcontext():
            self._engine.dispose()

    def _put(self, table: type[Base], rows: list[dict[str, Any]], changed: Collection[str] = ()) -> None:
        """Insert, or replace the row with the same primary key; only these columns of it, if some are named."""
        insert = self._insert(table)
        keys = [column.name for column in insert.table.primary_key]
        others = {name: insert.excluded[name] for name in changed or rows[0] if name not in keys}
        with self.session() as session:
            session.execute(insert.on_conflict_do_update(index_elements=keys, set_=others), rows)

    @contextmanager
    def session(self, *, reads_first: bool = False) -> Iterator[Session]:
        """One transaction. Errors are raised as `DatabaseError` with a diagnosis.

        Args:
            reads_first: It reads before it writes: SQLite would refuse the write where another process wrote meanwhile.
        """
        engine = self._engine.execution_options(**{SQLITE_BEGIN: "BEGIN IMMEDIATE"}) if reads_first else self._engine
        try:
            with Session(engine) as session, session.begin():
                yield session
        except SQLAlchemyError as error:
            raise self._diagnosis(error) from error

    def _diagnosis(self, error: SQLAlchemyError) -> DatabaseError:
        """Whether the database cannot be reached, is not migrated, or has another problem."""
        try:
            current = self.is_current()
        except DatabaseError as unusable:
            return unusable
        if not current:
            return self._error("is not migrated to this version", None, "rider db upgrade")
        return self._unusable(error)

    def _unusable(self, error: SQLAlchemyError) -> DatabaseError:
        remedy = "see that the server runs and the file can be written, or correct DATABASE_URL; then: rider db upgrade"
        return self._error("cannot be used", error, remedy)

    def _error(self, what: str, error: Exception | None, remedy: str) -> DatabaseError:
        where = self._engine.url.render_as_string(hide_password=True)
        # Without the statement and its values, which are in SQLAlchemy's message: they may contain keys.
        cause = getattr(error, "orig", None) or error
        why = f": {_text(' '.join(str(cause).split()))}" if cause else ""
        return DatabaseError(f"the database {where} {what}{why}", remedy=remedy)


def _row(record: JobRecord) -> dict[str, Any]:
    if not record.state.ended or record.ended_ts is None:
        raise InvalidInput(f"job {record.id} is {record.state.value}, the history takes jobs that have ended")
    row = record.model_dump(mode="json", exclude={"result", "problem", "due_ts", "progress", "trace_id"})
    problem = record.problem
    return row | {
        "problem_code": problem.code if problem else None,
        "problem_message": _text(problem.message) if problem else None,
        "problem_remedy": _text(problem.remedy) if problem and problem.remedy else None,
    }


def _record(row: JobHistory) -> JobRecord:
    problem = None
    if row.problem_code is not None:
        problem = JobProblem(code=row.problem_code, message=row.problem_message or "", remedy=row.problem_remedy)
    return JobRecord(
        id=row.id,
        task=row.task,
        state=JobState(row.state),
        queue=row.queue,
        priority=Priority(row.priority),
        origin=row.origin,
        attempts=row.attempts,
        submitted_ts=row.submitted_ts,
        started_ts=row.started_ts,
        ended_ts=row.ended_ts,
        provider=row.provider,
        mock=row.mock,
        problem=problem,
    )


def _text(text: str, limit: int | None = MAX_PROBLEM_CHARACTERS) -> str:
    """The text truncated, and without NUL, which PostgreSQL refuses."""
    return text[:limit].replace("\x00", "\ufffd")


def _migrate() -> Any:
    """The migrations. Alembic is imported with them: 10 MB, which a panel does not need to write the history."""
    return import_module("rider_core.database.migrate")

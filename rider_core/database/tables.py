"""The tables for SQLAlchemy. `migrations/` creates them in a database; a test compares the two."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, Double, Index, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

#: Length of job ids, task, provider and origin names in `rider_core.api.jobs`. PostgreSQL enforces it, SQLite does not.
NAME_LENGTH = 64
#: ISO 639 has two letters or three.
LANGUAGE_LENGTH = 8


class Base(DeclarativeBase):
    pass


class ProviderSettings(Base):
    """Saved settings of one provider (`rider config set`)."""

    __tablename__ = "provider_settings"

    provider: Mapped[str] = mapped_column(String(NAME_LENGTH), primary_key=True)
    settings: Mapped[dict[str, Any]] = mapped_column(JSON)
    #: Seconds since the epoch, as in every time of ours.
    updated_ts: Mapped[float] = mapped_column(Double)


class ProviderChoiceRow(Base):
    """Whether a provider may be used, and its place among those of its domain."""

    __tablename__ = "provider_choices"

    provider: Mapped[str] = mapped_column(String(NAME_LENGTH), primary_key=True)
    enabled: Mapped[bool]
    #: The lowest comes first; null: after those that have one.
    place: Mapped[int | None]
    updated_ts: Mapped[float] = mapped_column(Double)


class SystemPrompt(Base):
    """A saved system prompt in one language. It overrides a built-in one of the same name and language."""

    __tablename__ = "system_prompts"

    name: Mapped[str] = mapped_column(String(NAME_LENGTH), primary_key=True)
    language: Mapped[str] = mapped_column(String(LANGUAGE_LENGTH), primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    updated_ts: Mapped[float] = mapped_column(Double)


class JobHistory(Base):
    """A job that has ended, without payload and result: they may be large, and contain what people said."""

    __tablename__ = "job_history"
    __table_args__ = (Index("ix_job_history_ended_ts", "ended_ts"),)

    id: Mapped[str] = mapped_column(String(NAME_LENGTH), primary_key=True)
    task: Mapped[str] = mapped_column(String(NAME_LENGTH))
    queue: Mapped[str] = mapped_column(String(NAME_LENGTH))
    priority: Mapped[str] = mapped_column(String(16))
    origin: Mapped[str] = mapped_column(String(NAME_LENGTH))
    state: Mapped[str] = mapped_column(String(16))
    provider: Mapped[str | None] = mapped_column(String(NAME_LENGTH))
    mock: Mapped[bool]
    attempts: Mapped[int]
    submitted_ts: Mapped[float] = mapped_column(Double)
    started_ts: Mapped[float | None] = mapped_column(Double)
    ended_ts: Mapped[float] = mapped_column(Double)
    problem_code: Mapped[str | None] = mapped_column(String(NAME_LENGTH))
    problem_message: Mapped[str | None] = mapped_column(Text)
    problem_remedy: Mapped[str | None] = mapped_column(Text)


class MinuteRow(Base):
    """What happened in one minute."""

    __tablename__ = "minutes"

    ts: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    figures: Mapped[dict[str, Any]] = mapped_column(JSON)


class OutageRow(Base):
    """A time in which the robot or the link was away. `outages.py` writes and reads it without SQLAlchemy."""

    __tablename__ = "outages"

    what: Mapped[str] = mapped_column(String(16), primary_key=True)
    begin_ts: Mapped[float] = mapped_column(Double, primary_key=True)
    end_ts: Mapped[float | None] = mapped_column(Double)
    why: Mapped[str] = mapped_column(String(200))


class UserAccount(Base):
    """A person who may sign in."""

    __tablename__ = "users"

    name: Mapped[str] = mapped_column(String(NAME_LENGTH), primary_key=True)
    role: Mapped[str] = mapped_column(String(16))
    #: Argon2's own format, with its parameters and salt.
    password_hash: Mapped[str] = mapped_column(String(256))
    created_ts: Mapped[float] = mapped_column(Double)


class ApiTokenRow(Base):
    """A token with which a program comes in. Only the hash of its secret part is stored."""

    __tablename__ = "api_tokens"

    id: Mapped[str] = mapped_column(String(NAME_LENGTH), primary_key=True)
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    role: Mapped[str] = mapped_column(String(16))
    secret_hash: Mapped[str] = mapped_column(String(64))
    created_by: Mapped[str] = mapped_column(String(NAME_LENGTH))
    created_ts: Mapped[float] = mapped_column(Double)
    expires_ts: Mapped[float | None] = mapped_column(Double)


class AuditRow(Base):
    """A change that a user or a program made, or an attempt to sign in."""

    __tablename__ = "audit_log"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    ts: Mapped[float] = mapped_column(Double)
    who: Mapped[str] = mapped_column(String(NAME_LENGTH))
    address: Mapped[str] = mapped_column(String(NAME_LENGTH))
    action: Mapped[str] = mapped_column(String(NAME_LENGTH))
    target: Mapped[str] = mapped_column(String(256))
    status: Mapped[int]
    before: Mapped[Any | None] = mapped_column(JSON)
    after: Mapped[Any | None] = mapped_column(JSON)

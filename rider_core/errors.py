"""Every error that Rider-PC raises on purpose, as one tree.

RiderError
├── ConfigError              a setting is wrong
├── PluginError              a plugin cannot be used
│   └── PluginIncompatible   it was made for another version of the plugin API
├── ProviderError            a provider could not do its work
│   └── ProviderUnavailable  a model, a server or a library is missing
│       └── ProviderBroken   its plugin does what the API forbids
├── InvalidInput             the caller's data is wrong; trying again cannot help
│   ├── TooLarge             ... because it exceeds a limit
│   ├── AlreadyExists        ... because what it would create is there already
│   ├── Conflict             ... because it does not fit the state of what it would change
│   └── NotFound             ... because what it names does not exist
├── ModelError               a model file is missing, damaged or cannot be fetched
├── JobError                 a job was not accepted, or did not end well
│   ├── JobRefused           it was not accepted
│   │   └── QueueFull        ... because too many jobs wait; a later retry may succeed
│   ├── JobNotFound          there is no job with this id
│   ├── ScheduleNotFound     there is no schedule with this id
│   ├── JobFailed            it ran and failed
│   ├── JobExpired           its deadline passed
│   ├── JobCancelled         it was cancelled
│   └── WaitTimeout          it has not ended within the time that the caller gave it
├── BackendUnavailable       Redis or the job backend cannot be reached
├── NoAnswer                 another process of ours did not answer in time
│   └── NotRunning           ... because it is not running, or takes no requests
├── DatabaseError            the database cannot be used
│   └── NotMigrated          ... because it lacks a table of this version
└── RobotError               the robot did not answer, or answered with a refusal

A message says what was wrong, with the value. `remedy` says what to do about it, where possible as a command.
"""

from __future__ import annotations


class RiderError(Exception):
    """Base of the tree.

    Attributes:
        code: A name from a closed list (this file), fit for a metric label or an API answer.
        remedy: What the reader can do about it, or None where nothing general can be said.
    """

    code = "error"

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} ({self.remedy})" if self.remedy else self.message


class ConfigError(RiderError):
    code = "config"


class PluginError(RiderError):
    code = "plugin"


class PluginIncompatible(PluginError):
    code = "plugin_incompatible"


class ProviderError(RiderError):
    code = "provider"


class ProviderUnavailable(ProviderError):
    code = "provider_unavailable"


class ProviderBroken(ProviderUnavailable):
    code = "provider_broken"


class InvalidInput(RiderError):
    code = "invalid_input"


class TooLarge(InvalidInput):
    code = "too_large"


class AlreadyExists(InvalidInput):
    code = "already_exists"


class Conflict(InvalidInput):
    code = "conflict"


class NotFound(InvalidInput):
    code = "not_found"


class ModelError(RiderError):
    code = "model"


class JobError(RiderError):
    code = "job"


class JobRefused(JobError):
    code = "job_refused"


class QueueFull(JobRefused):
    """Raised by `submit` if too many jobs wait.

    Attributes:
        retry_after_s: When to try again, in seconds.
    """

    code = "queue_full"

    def __init__(self, message: str, *, retry_after_s: float, remedy: str | None = None) -> None:
        super().__init__(message, remedy=remedy or f"try again in {retry_after_s:g} seconds, or start more workers")
        self.retry_after_s = retry_after_s


class JobNotFound(JobError):
    code = "job_not_found"


class ScheduleNotFound(JobError):
    code = "schedule_not_found"


class JobFailed(JobError):
    """Raised by waiting for a job that failed.

    Attributes:
        cause: The `code` of the error that ended the job's last attempt.
    """

    code = "job_failed"

    def __init__(self, message: str, *, cause: str = "error", remedy: str | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.cause = cause


class JobExpired(JobError):
    code = "job_expired"


class JobCancelled(JobError):
    code = "job_cancelled"


class WaitTimeout(JobError):
    code = "wait_timeout"


class BackendUnavailable(RiderError):
    code = "backend_unavailable"


class NoAnswer(RiderError):
    code = "no_answer"


class NotRunning(NoAnswer):
    code = "not_running"


class DatabaseError(RiderError):
    code = "database"


class NotMigrated(DatabaseError):
    """`rider db upgrade` adds what is missing."""


class RobotError(RiderError):
    code = "robot"

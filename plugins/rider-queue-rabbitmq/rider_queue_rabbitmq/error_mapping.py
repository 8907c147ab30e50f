"""Maps pika's exceptions to ours, with remedies. No message contains the password."""

from __future__ import annotations

import socket

from pika.adapters.utils.connection_workflow import AMQPConnectionWorkflowFailed, AMQPConnectorPhaseErrorBase
from pika.exceptions import (
    AMQPConnectionError,
    ChannelClosedByBroker,
    ConnectionClosedByBroker,
    ConnectionClosedByClient,
    ProbableAccessDeniedError,
    ProbableAuthenticationError,
)

from rider_core.errors import BackendUnavailable, InvalidInput
from rider_queue_rabbitmq.settings import RabbitSettings

_ACCESS_REFUSED = 403
_PRECONDITION_FAILED = 406
_START = (
    "sudo apt-get install rabbitmq-server, sudo systemctl start rabbitmq-server, or correct RABBITMQ_HOST and _PORT"
)


def map_error(error: BaseException, settings: RabbitSettings) -> BackendUnavailable:
    """The error to raise instead of pika's."""
    where = f"RabbitMQ at {settings.host}:{settings.port}"
    cause = _cause(error)
    if isinstance(cause, (BackendUnavailable, InvalidInput)):
        return BackendUnavailable(cause.message, remedy=cause.remedy)
    if isinstance(cause, ConnectionClosedByClient):
        return BackendUnavailable(f"the connection to {where} was closed by this process")
    if isinstance(cause, ProbableAuthenticationError):
        return BackendUnavailable(
            f"{where} does not let user {settings.user!r} in",
            remedy="correct RABBITMQ_USER and RABBITMQ_PASSWORD; guest may only log in on RabbitMQ's own machine",
        )
    if isinstance(cause, ProbableAccessDeniedError) or _code(cause) == _ACCESS_REFUSED:
        return BackendUnavailable(
            f"{where} does not let user {settings.user!r} use virtual host {settings.vhost!r}: {_text(cause)}",
            remedy=f"correct RABBITMQ_VHOST, or sudo rabbitmqctl set_permissions -p {settings.vhost} {settings.user} "
            "'.*' '.*' '.*' (and add_vhost before, where it does not exist)",
        )
    if _code(cause) == _PRECONDITION_FAILED and "inequivalent arg" in _text(cause):
        return BackendUnavailable(
            f"{where} has it in another form: {_text(cause)}",
            remedy="when it is empty: sudo rabbitmqctl delete_queue NAME --if-empty; it is declared again. For an "
            "exchange use RabbitMQ's management page",
        )
    if isinstance(cause, (OSError, socket.gaierror)):
        return BackendUnavailable(f"{where} cannot be reached: {cause.strerror or cause}", remedy=_START)
    return BackendUnavailable(f"{where}: {_text(cause)}", remedy="see RabbitMQ's log: journalctl -u rabbitmq-server")


def _cause(error: BaseException) -> BaseException:
    """pika wraps the first error of a connection up to three times."""
    for _ in range(5):
        inner: BaseException | None = None
        if isinstance(error, AMQPConnectionWorkflowFailed):
            inner = error.exceptions[-1] if error.exceptions else None
        elif isinstance(error, AMQPConnectorPhaseErrorBase):
            inner = error.exception
        elif type(error) is AMQPConnectionError:
            inner = next((each for each in error.args if isinstance(each, BaseException)), None)
        if inner is None:
            break
        error = inner
    return error


def _code(error: BaseException) -> int | None:
    return error.reply_code if isinstance(error, (ChannelClosedByBroker, ConnectionClosedByBroker)) else None


def _text(error: BaseException) -> str:
    if isinstance(error, (ChannelClosedByBroker, ConnectionClosedByBroker)):
        return str(error.reply_text)
    return (str(error) or repr(error))[:500]

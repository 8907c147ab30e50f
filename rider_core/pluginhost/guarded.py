"""Guarded calls of providers: exceptions become errors that name the provider, and results are checked.

A plugin may raise anything, `SystemExit` included, and return anything. The callers of this module get our errors and
the types of the API only.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar, cast

from pydantic import ValidationError

from rider_core.api.health import Health
from rider_core.api.provider import Provider, ProviderContext
from rider_core.errors import ProviderBroken, RiderError
from rider_core.interrupted import Interrupted

log = logging.getLogger(__name__)

T = TypeVar("T")
#: Maximum length of a plugin's value or message in an error, in characters.
MAX_SHOWN = 200
#: Maximum duration of `health()`, in seconds. A provider's server has 5 s to answer, and some are asked twice.
HEALTH_LIMIT_S = 15.0
#: Exceptions that a plugin's code may raise.
FOREIGN_ERRORS = (Exception, SystemExit, KeyboardInterrupt)


def call(name: str, what: str, action: Callable[[], T]) -> T:
    """Call a plugin's code and return its result.

    Args:
        name: Of the provider or plugin.
        what: The method, for the error message.

    Raises:
        RiderError: as the plugin raised it.
        ProviderBroken: it raised something else.
    """
    try:
        return action()
    except (RiderError, Interrupted):
        raise
    except FOREIGN_ERRORS as error:
        raise ProviderBroken(
            f"{name}: {what} raised {shown(error)}",
            remedy=f"report it to the plugin's author; meanwhile {_switch_off(name)}",
        ) from error


def make(provider: type[Provider], config: Any, context: ProviderContext) -> Provider:
    """A provider, not yet opened. Raises as `call` does."""
    instance = call(provider.name, f"{provider.__name__}()", lambda: provider(config, context))
    if not isinstance(instance, provider):
        raise _wrong(provider.name, f"{provider.__name__}()", f"a {provider.__name__}", instance)
    _check_batches(instance)
    return instance


def open_engine(provider: Provider) -> None:
    """Raises as `call` does."""
    call(provider.name, "open()", provider.open)
    _check_batches(provider)


def close_engine(provider: Provider) -> None:
    """Raises nothing: errors are logged."""
    try:
        call(provider.name, "close()", provider.close)
    except RiderError:
        log.exception("%s raised while closing", provider.name)


def health_of(provider: Provider, limit_s: float = HEALTH_LIMIT_S) -> Health:
    """The provider's health; unavailable if `health()` raises, or takes longer than `limit_s` seconds."""
    answers: list[Health] = []
    # A thread that hangs cannot be stopped: it ends with the process.
    name = f"health-{provider.name}"
    thread = threading.Thread(target=lambda: answers.append(_health_of(provider)), name=name, daemon=True)
    thread.start()
    thread.join(limit_s)
    if answers:
        return answers[0]
    message = f"{provider.name}: health() has not answered within {limit_s:g} s"
    return Health.unavailable(message, f"report it to the plugin's author; meanwhile {_switch_off(provider.name)}")


def _health_of(provider: Provider) -> Health:
    try:
        health = call(provider.name, "health()", provider.health)
    except RiderError as error:
        return Health.unavailable(error.message, error.remedy)
    if not isinstance(health, Health):
        error = _wrong(provider.name, "health()", "a Health", health)
        return Health.unavailable(error.message, error.remedy)
    return health


def required_models_of(provider: Provider) -> tuple[str, ...]:
    """Raises as `call` does."""
    return names_of(provider, "required_models()", provider.required_models)


def details_of(provider: Provider) -> dict[str, str]:
    """The provider's details; empty if they are malformed."""
    with suppress(ProviderBroken):
        details = call(provider.name, "details()", provider.details)
        if isinstance(details, Mapping):
            return call(provider.name, "details()", lambda: {str(key): str(value) for key, value in details.items()})
    return {}


def names_of(provider: Provider, what: str, action: Callable[[], Iterable[str]]) -> tuple[str, ...]:
    """The names that a method returns. Raises as `call` does."""
    names = call(provider.name, what, action)
    if isinstance(names, list | tuple | set | frozenset) and all(isinstance(name, str) for name in names):
        return tuple(names)
    raise _wrong(provider.name, what, "a tuple of names", names)


def result_of(provider: Provider, what: str, kind: type[T], action: Callable[[], object]) -> T:
    """Call a method that must return an instance of `kind`.

    Raises:
        ProviderBroken: it returned another type, or tried to end the process.
        Exception: any other exception of the method.
    """
    return checked(provider, what, kind, _without_exit(provider, what, action))


def checked(provider: Provider, what: str, kind: type[T], value: object) -> T:
    """`value` if it is an instance of `kind`. Raises `ProviderBroken` if not."""
    if not isinstance(value, kind):
        raise _wrong(provider.name, what, _a(kind), value)
    if isinstance(value, str) and not value.isascii():
        return cast("T", _without_surrogates(value))
    return value


def all_checked(provider: Provider, what: str, kind: type[T], values: Sequence[object]) -> Sequence[T]:
    """The same for each of `values`, optimised for long lists. Not for texts."""
    if all(type(value) is kind for value in values):
        return cast("Sequence[T]", values)
    return [checked(provider, what, kind, value) for value in values]


def pieces_of(provider: Provider, what: str, kind: type[T], begin: Callable[[], object]) -> Generator[T, None, object]:
    """Yield the pieces of a method that returns a stream; the return value is the stream's. Raises as `result_of`."""
    stream: Any = _without_exit(provider, what, begin)
    if not hasattr(stream, "__next__"):
        if isinstance(stream, str | bytes | Mapping) or not hasattr(stream, "__iter__"):
            raise _wrong(provider.name, what, "a generator", stream)
        stream = _without_exit(provider, what, lambda: iter(stream))
    # `Any`, so that mypy does not narrow `piece` to `kind`: text is passed to `_without_surrogates`.
    wanted: Any = kind
    is_text = issubclass(kind, str)
    try:
        while True:
            try:
                piece = next(stream)
            except StopIteration as stopped:
                return stopped.value
            except Interrupted:
                raise
            except (SystemExit, KeyboardInterrupt) as error:
                raise _exit_attempt(provider, what, error) from error
            if not isinstance(piece, wanted):
                raise _wrong(provider.name, what, _a(kind), piece, ("yield", "yielded"))
            yield cast("T", _without_surrogates(piece)) if is_text and not piece.isascii() else piece
    finally:
        _close(provider, what, stream)


def _close(provider: Provider, what: str, stream: Any) -> None:
    """Close the stream. Errors are logged: an exception of the reader must not be replaced."""
    close = getattr(stream, "close", None)
    if close is None:
        return
    try:
        _without_exit(provider, what, close)
    except Exception:  # a plugin's code, which may also yield again
        log.exception("%s: %s raised while its stream was closed", provider.name, what)


def shown(error: BaseException, limit: int = MAX_SHOWN) -> str:
    """A plugin's exception on one line: its type, and at most `limit` characters of its text."""
    try:
        text = _fields_of(error) if isinstance(error, ValidationError) else str(error)
    except Exception:  # its own __str__
        text = "(it cannot be shown)"
    return f"{type(error).__name__}: {text[:limit]}" if text else type(error).__name__


def _fields_of(error: ValidationError) -> str:
    """pydantic's messages without its URLs."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, it['loc'])) or error.title}: {it['msg']}" for it in found)


def _without_exit(provider: Provider, what: str, action: Callable[[], T]) -> T:
    """Call a provider's method. Its exceptions are those of the job, but it must not end the process."""
    try:
        return action()
    except Interrupted:
        raise
    except (SystemExit, KeyboardInterrupt) as error:
        raise _exit_attempt(provider, what, error) from error


def _exit_attempt(provider: Provider, what: str, error: BaseException) -> ProviderBroken:
    return ProviderBroken(f"{provider.name}: {what} raised {shown(error)}, which would have ended the worker")


def _check_batches(provider: Provider) -> None:
    """Check `max_batch` and `max_wait_ms`, which a provider may set from its settings."""
    size, wait_ms = provider.max_batch, provider.max_wait_ms
    if not isinstance(size, int) or size < 1:
        raise _wrong(provider.name, "max_batch", "a whole number above 0", size)
    if not isinstance(wait_ms, int | float) or not 0 <= wait_ms < 60_000:
        raise _wrong(provider.name, "max_wait_ms", "milliseconds from 0 to 60000", wait_ms)


def _wrong(
    name: str, what: str, wanted: str, value: object, verb: tuple[str, str] = ("give", "gave")
) -> ProviderBroken:
    try:
        text = repr(value)
    except Exception:  # its own __repr__
        text = "(it cannot be shown)"
    must, did = verb
    return ProviderBroken(
        f"{name}: {what} must {must} {wanted}, it {did} {type(value).__name__} {text[:MAX_SHOWN]}",
        remedy=f"report it to the plugin's author; meanwhile {_switch_off(name)}",
    )


def _without_surrogates(text: str) -> str:
    """`text` with surrogate pairs joined, and lone ones replaced. Engines that count in UTF-16 emit them."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _a(kind: type) -> str:
    return f"{'an' if kind.__name__[0] in 'AEIOU' else 'a'} {kind.__name__}"


def _switch_off(name: str) -> str:
    return f"name another provider than {name} in `providers`"

"""The one door through which the core calls providers: whatever comes out of a plugin's code is an error that names it.

Plugins raise what they like, `sys.exit` among it, and return what they like. Behind the door are our errors and the
types that the API promises.
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
#: So much of a foreign value or text is told, in characters.
MAX_SHOWN = 200


#: Servers that a provider asks have 5 s to answer, and some are asked twice.
HEALTH_LIMIT_S = 15.0
#: What may come out of foreign code, ours among it.
FOREIGN_ERRORS = (Exception, SystemExit, KeyboardInterrupt)


def call(name: str, what: str, action: Callable[[], T]) -> T:
    """What a plugin's code returns.

    Args:
        name: Of the provider or plugin.
        what: Which of its methods this is, for the message.

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
            f"{name}: {what} raised {shown(error)}", remedy=f"its author can mend it; without it: {_switch_off(name)}"
        ) from error


def make(provider: type[Provider], config: Any, context: ProviderContext) -> Provider:
    """A provider, not yet opened. Raises as `call` does."""
    made = call(provider.name, f"{provider.__name__}()", lambda: provider(config, context))
    if not isinstance(made, provider):
        raise _wrong(provider.name, f"{provider.__name__}()", f"a {provider.__name__}", made)
    _check_batches(made)
    return made


def open_engine(provider: Provider) -> None:
    """Raises as `call` does."""
    call(provider.name, "open()", provider.open)
    _check_batches(provider)


def close_engine(provider: Provider) -> None:
    """Raises nothing: what goes wrong at the end is told in the log."""
    try:
        call(provider.name, "close()", provider.close)
    except RiderError:
        log.exception("%s raised while closing", provider.name)


def health_of(provider: Provider, limit_s: float = HEALTH_LIMIT_S) -> Health:
    """Its health; one that cannot say, or not within `limit_s` seconds, is not well."""
    said: list[Health] = []
    # A thread that hangs cannot be ended: it is left behind, and ends with the process.
    name = f"health-{provider.name}"
    thread = threading.Thread(target=lambda: said.append(_health_of(provider)), name=name, daemon=True)
    thread.start()
    thread.join(limit_s)
    if said:
        return said[0]
    message = f"{provider.name}: health() has not answered within {limit_s:g} s"
    return Health.unavailable(message, f"its author can mend it; without it: {_switch_off(provider.name)}")


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
    """What it says of itself; nothing where that makes no sense."""
    with suppress(ProviderBroken):
        details = call(provider.name, "details()", provider.details)
        if isinstance(details, Mapping):
            return call(provider.name, "details()", lambda: {str(key): str(value) for key, value in details.items()})
    return {}


def names_of(provider: Provider, what: str, action: Callable[[], Iterable[str]]) -> tuple[str, ...]:
    """What a method gives that must be names. Raises as `call` does."""
    given = call(provider.name, what, action)
    if isinstance(given, list | tuple | set | frozenset) and all(isinstance(name, str) for name in given):
        return tuple(given)
    raise _wrong(provider.name, what, "a tuple of names", given)


def result_of(provider: Provider, what: str, kind: type[T], action: Callable[[], object]) -> T:
    """A method that gives one thing of a kind.

    Raises:
        ProviderBroken: it gives something else, or would have ended the process.
        Exception: what it raised otherwise.
    """
    return checked(provider, what, kind, _without_exit(provider, what, action))


def checked(provider: Provider, what: str, kind: type[T], value: object) -> T:
    """Raises `ProviderBroken` where a method gave something of another kind."""
    if not isinstance(value, kind):
        raise _wrong(provider.name, what, _a(kind), value)
    if isinstance(value, str) and not value.isascii():
        return cast("T", _without_surrogates(value))
    return value


def all_checked(provider: Provider, what: str, kind: type[T], values: Sequence[object]) -> Sequence[T]:
    """The same for each of `values`, of which there may be many. Not for texts."""
    if all(type(value) is kind for value in values):
        return cast("Sequence[T]", values)
    return [checked(provider, what, kind, value) for value in values]


def pieces_of(provider: Provider, what: str, kind: type[T], begin: Callable[[], object]) -> Generator[T, None, object]:
    """The pieces of a method that gives a stream, and what it returns at its end. Raises as `result_of` does."""
    stream: Any = _without_exit(provider, what, begin)
    if not hasattr(stream, "__next__"):
        if isinstance(stream, str | bytes | Mapping) or not hasattr(stream, "__iter__"):
            raise _wrong(provider.name, what, "a generator", stream)
        stream = _without_exit(provider, what, lambda: iter(stream))
    # `Any`, so that mypy leaves `piece` untyped: text needs one step more than other pieces.
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
                raise _wrong(provider.name, f"{what} must yield {_a(kind)}, it yielded", "", piece)
            yield cast("T", _without_surrogates(piece)) if is_text and not piece.isascii() else piece
    finally:
        _close(provider, what, stream)


def _close(provider: Provider, what: str, stream: Any) -> None:
    """What goes wrong here is told in the log: whoever reads no more has a reason, which is not to be lost for it."""
    close = getattr(stream, "close", None)
    if close is None:
        return
    try:
        _without_exit(provider, what, close)
    except Exception:  # a plugin's code, which may yield on, too: the edge of the house
        log.exception("%s: %s raised while its stream was closed", provider.name, what)


def shown(error: BaseException, limit: int = MAX_SHOWN) -> str:
    """An error of a plugin's, on one line: its kind, and so many characters of its text."""
    try:
        text = _fields_of(error) if isinstance(error, ValidationError) else str(error)
    except Exception:  # its own __str__
        text = "(it cannot be shown)"
    return f"{type(error).__name__}: {text[:limit]}" if text else type(error).__name__


def _fields_of(error: ValidationError) -> str:
    """What pydantic says, without its addresses."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, it['loc'])) or error.title}: {it['msg']}" for it in found)


def _without_exit(provider: Provider, what: str, action: Callable[[], T]) -> T:
    """An engine may fail at its work, and that is its job's error. It may not end the process."""
    try:
        return action()
    except Interrupted:
        raise
    except (SystemExit, KeyboardInterrupt) as error:
        raise _exit_attempt(provider, what, error) from error


def _exit_attempt(provider: Provider, what: str, error: BaseException) -> ProviderBroken:
    return ProviderBroken(f"{provider.name}: {what} raised {shown(error)}, which would have ended the worker")


def _check_batches(provider: Provider) -> None:
    """Both may be set by an engine after its settings."""
    size, wait_ms = provider.max_batch, provider.max_wait_ms
    if not isinstance(size, int) or size < 1:
        raise _wrong(provider.name, "max_batch", "a whole number above 0", size)
    if not isinstance(wait_ms, int | float) or not 0 <= wait_ms < 60_000:
        raise _wrong(provider.name, "max_wait_ms", "milliseconds from 0 to 60000", wait_ms)


def _wrong(name: str, what: str, wanted: str, value: object) -> ProviderBroken:
    try:
        text = repr(value)
    except Exception:  # its own __repr__
        text = "(it cannot be shown)"
    what = what if what.endswith("it yielded") else f"{what} must give {wanted}, it gave"
    return ProviderBroken(
        f"{name}: {what} {type(value).__name__} {text[:MAX_SHOWN]}",
        remedy=f"its author can mend it; without it: {_switch_off(name)}",
    )


def _without_surrogates(text: str) -> str:
    """Halves of characters, which engines give that count in UTF-16, are put together or replaced: no JSON has them."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _a(kind: type) -> str:
    return f"{'an' if kind.__name__[0] in 'AEIOU' else 'a'} {kind.__name__}"


def _switch_off(name: str) -> str:
    return f"name another provider than {name} in `providers`"

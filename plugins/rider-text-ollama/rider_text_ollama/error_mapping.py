"""Maps the errors of `ollama`, `httpx` and `httpcore` to ours, each with a remedy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpcore
import httpx
import ollama

from rider_core.errors import InvalidInput, ModelError, ProviderError, ProviderUnavailable, RiderError
from rider_text_ollama.address import Address
from rider_text_ollama.ndjson import timeout_error
from rider_text_ollama.sanitize import one_line, pull_command

#: Raised by the client where a response is not in Ollama's format: no JSON, no object, or values of other types.
_INVALID_RESPONSE = (ValueError, TypeError, AttributeError, KeyError, RecursionError)

#: Suggested where the server has no model: knows Polish and English, runs without a GPU (3.3 GB).
FIRST_MODEL = "gemma3:4b"


@contextmanager
def map_errors(address: Address, silence_s: float, model: str | None = None) -> Iterator[None]:
    """Wraps every call of the client and every step of a stream: all errors become ours.

    Args:
        silence_s: Read timeout, in seconds, for the message.
        model: The requested model.
    """
    try:
        yield
    except RiderError:
        raise
    except ollama.ResponseError as error:
        raise _refusal(error, address, model) from None
    # The client converts some of these to Python's own ConnectionError, without the reason.
    except (ConnectionError, httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.PoolTimeout) as error:
        raise unreachable(address, one_line(error)) from None
    except httpcore.TimeoutException:
        raise timeout_error(silence_s) from None
    except (httpcore.NetworkError, httpcore.ProtocolError, httpx.HTTPError) as error:
        raise ProviderError(
            f"the Ollama server at {address.url} broke off: {one_line(error)}", remedy="see the server's log"
        ) from None
    except _INVALID_RESPONSE as error:
        # Some of these texts contain the data that was to be decoded.
        raise ProviderError(
            f"the response of {address.url} is not in Ollama's format ({type(error).__name__}: {one_line(error, 120)})",
            remedy="check that it is an Ollama server",
        ) from None


def unreachable(address: Address, reason: str) -> ProviderUnavailable:
    remedy = "ollama serve" if address.is_this_machine else f"start `ollama serve` on {address.host}"
    return ProviderUnavailable(
        f"no Ollama server answers at {address.url}: {reason}", remedy=f"{remedy}, or correct the setting `host`"
    )


def model_missing(model: str) -> ModelError:
    return ModelError(f"the Ollama server has no model {one_line(model, 128)!r}", remedy=pull_command(model))


def no_models() -> ModelError:
    return ModelError("the Ollama server has no model yet", remedy=pull_command(FIRST_MODEL))


def _refusal(error: ollama.ResponseError, address: Address, model: str | None) -> RiderError:
    """The error for an HTTP status, or for an error during the answer (status -1)."""
    status, reason = error.status_code, one_line(error.error)
    where = f"the Ollama server at {address.url}"
    if 300 <= status < 400:
        return ProviderUnavailable(
            f"{where} redirects (HTTP {status}), and redirects are not followed",
            remedy="write the final address into the setting `host`",
        )
    if status < 0 and model is not None and "file does not exist" in reason:
        return ModelError(
            f"there is no model {one_line(model, 128)!r} to pull", remedy="choose from https://ollama.com/library"
        )
    if status == 404 and model is not None and "not found" in reason:
        return model_missing(model)
    if status == 404:
        return ProviderUnavailable(f"{address.url} is no Ollama server: HTTP 404", remedy="correct the setting `host`")
    if status in (401, 403):
        return ProviderUnavailable(f"{where} denies access (HTTP {status}): {reason}", remedy="set `credentials`")
    if status in (429, 503):
        return ProviderError(f"{where} is busy (HTTP {status}): {reason}", remedy="try again later")
    if 400 <= status < 500:
        return InvalidInput(f"{where} refuses the request (HTTP {status}): {reason}", remedy="change it, or the model")
    what = "failed during the answer" if status < 0 else f"failed (HTTP {status})"
    return ProviderError(f"{where} {what}: {reason}", remedy="see the server's log")

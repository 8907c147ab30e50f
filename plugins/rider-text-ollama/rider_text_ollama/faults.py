"""What can go wrong with a server, as our errors: what happened, and the way out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpcore
import httpx
import ollama

from rider_core.errors import InvalidInput, ModelError, ProviderError, ProviderUnavailable, RiderError
from rider_text_ollama.address import Address
from rider_text_ollama.lines import silent
from rider_text_ollama.untrusted import one_line, pull_command

#: What the client raises where an answer is not in Ollama's form: no JSON, no object, or values of other types.
_MISSHAPEN = (ValueError, TypeError, AttributeError, KeyError, RecursionError)

#: A model that knows Polish and English and runs without a graphics card, for whoever has none yet (3.3 GB).
FIRST_MODEL = "gemma3:4b"


@contextmanager
def faults_of(address: Address, silence_s: float, model: str | None = None) -> Iterator[None]:
    """Around every use of the client, and of the answer's pieces: whatever it raises becomes one of our errors.

    Args:
        silence_s: For how long the server may be silent, in seconds.
        model: The model that is asked for.
    """
    try:
        yield
    except RiderError:
        raise
    except ollama.ResponseError as error:
        raise _refusal(error, address, model) from None
    # The client turns some of these into Python's own ConnectionError, without the reason.
    except (ConnectionError, httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.PoolTimeout) as error:
        raise away(address, one_line(error)) from None
    except httpcore.TimeoutException:
        raise silent(silence_s) from None
    except (httpcore.NetworkError, httpcore.ProtocolError, httpx.HTTPError) as error:
        raise ProviderError(
            f"the Ollama server at {address.url} broke off: {one_line(error)}", remedy="see the server's log"
        ) from None
    except _MISSHAPEN as error:
        # Some of these texts hold what was to be decoded.
        raise ProviderError(
            f"what {address.url} answers is not in Ollama's form ({type(error).__name__}: {one_line(error, 120)})",
            remedy="see whether that is an Ollama server",
        ) from None


def away(address: Address, reason: str) -> ProviderUnavailable:
    remedy = "ollama serve" if address.is_this_machine else f"start `ollama serve` on {address.host}"
    return ProviderUnavailable(
        f"no Ollama server answers at {address.url}: {reason}", remedy=f"{remedy}, or correct the setting `host`"
    )


def model_missing(model: str) -> ModelError:
    return ModelError(f"the Ollama server has no model {one_line(model, 128)!r}", remedy=pull_command(model))


def no_model_yet() -> ModelError:
    return ModelError("the Ollama server has no model yet", remedy=pull_command(FIRST_MODEL))


def _refusal(error: ollama.ResponseError, address: Address, model: str | None) -> RiderError:
    """What an HTTP status, or an error in mid-answer (status -1), means."""
    status, said = error.status_code, one_line(error.error)
    where = f"the Ollama server at {address.url}"
    if 300 <= status < 400:
        return ProviderUnavailable(
            f"{where} sends us elsewhere (HTTP {status}), which is not followed",
            remedy="write the final address into the setting `host`",
        )
    if status < 0 and model is not None and "file does not exist" in said:
        return ModelError(
            f"there is no model {one_line(model, 128)!r} to be fetched", remedy="choose from https://ollama.com/library"
        )
    if status == 404 and model is not None and "not found" in said:
        return model_missing(model)
    if status == 404:
        return ProviderUnavailable(f"{where} is none: it answers 404", remedy="correct the setting `host`")
    if status in (401, 403):
        return ProviderUnavailable(f"{where} does not let us in (HTTP {status}): {said}", remedy="set `credentials`")
    if status in (429, 503):
        return ProviderError(f"{where} is busy (HTTP {status}): {said}", remedy="try again later")
    if 400 <= status < 500:
        return InvalidInput(f"{where} refuses the request (HTTP {status}): {said}", remedy="change it, or the model")
    what = "failed in mid-answer" if status < 0 else f"failed (HTTP {status})"
    return ProviderError(f"{where} {what}: {said}", remedy="see the server's log")

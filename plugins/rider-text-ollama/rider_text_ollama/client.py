"""Client of one Ollama server for the provider and the commands: wraps the `ollama` client with limits.

Imported only when the provider is opened or a command runs, because its imports are heavy.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
import ollama

from rider_core.errors import ProviderError
from rider_text_ollama.address import Address
from rider_text_ollama.config import MAX_MODEL_NAME
from rider_text_ollama.error_mapping import map_errors
from rider_text_ollama.transport import GuardedTransport

T = TypeVar("T")

#: More than any server has; longer lists are cut.
MAX_MODELS = 1_000


@dataclass(frozen=True)
class ServerModel:
    """A model that the server has.

    Attributes:
        digest: Of the weights and all other layers; empty: not reported.
        size_bytes: On the server's disk; 0: not reported.
        modified: When it was pulled or created, as ISO 8601 date; empty: not reported.
    """

    name: str
    digest: str = ""
    family: str = ""
    parameters: str = ""
    quantization: str = ""
    size_bytes: int = 0
    modified: str = ""

    @property
    def is_chat_model(self) -> bool:
        """Whether it generates text. Embedding models are recognised by their family and name."""
        return "bert" not in self.family and "embed" not in self.name


@dataclass(frozen=True)
class ChatChunk:
    """A piece of an answer.

    Attributes:
        text: The answer's text.
        calls: Tool calls: name and arguments.
        thought: Whether the chunk has thinking, which is dropped.
        end: In the last chunk only.
    """

    text: str
    thought: bool = False
    calls: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    end: ChatEnd | None = None


@dataclass(frozen=True)
class ChatEnd:
    reason: str
    prompt_tokens: int | None
    completion_tokens: int | None


@dataclass(frozen=True)
class PullProgress:
    """Progress of a pull.

    Attributes:
        status: The current step, in the server's words.
        layer: Digest of the file that is fetched; empty: none.
        done_bytes, total_bytes: Of that file.
    """

    status: str
    layer: str = ""
    done_bytes: int = 0
    total_bytes: int = 0


class OllamaClient:
    """Client of one server. Thread-safe; close it afterwards.

    Args:
        connect_timeout_s: Limit of connecting, in seconds.
        read_timeout_s: Limit between two lines of a response, in seconds.
        total_s: Limit of everything, in seconds from now. None: no such limit.

    Every method raises:
        ProviderUnavailable: the server cannot be reached, or denies access.
        ProviderError: the server failed, timed out, or sent an invalid response.
    """

    def __init__(
        self, address: Address, *, connect_timeout_s: float, read_timeout_s: float, total_s: float | None = None
    ) -> None:
        self._address = address
        self._silence_s = read_timeout_s
        # The client passes unknown arguments on to httpx, which uses no proxy where it is given a transport.
        self._client = ollama.Client(
            address.url,
            timeout=httpx.Timeout(read_timeout_s, connect=connect_timeout_s, pool=connect_timeout_s),
            transport=GuardedTransport(https=address.is_https, silence_s=read_timeout_s, total_s=total_s),
            follow_redirects=False,
            auth=address.credentials,
        )

    def close(self) -> None:
        self._client.close()  # type: ignore[no-untyped-call]  # the client's is not annotated

    def models(self) -> list[ServerModel]:
        """The server's models, the newest first."""
        with map_errors(self._address, self._silence_s):
            listed = self._client.list().models
            return [_server_model(model) for model in listed[:MAX_MODELS] if _is_name(model.model)]

    def loaded(self) -> dict[str, int]:
        """The models in the server's memory, each with its share in GPU memory, in percent."""
        with map_errors(self._address, self._silence_s):
            return {
                model.model: round(100 * (model.size_vram or 0) / model.size) if model.size else 0
                for model in self._client.ps().models[:MAX_MODELS]
                if model.model is not None and _is_name(model.model)
            }

    def chat(
        self,
        model: str,
        messages: Sequence[Mapping[str, str]],
        options: Mapping[str, Any],
        keep_alive_s: float | None,
        json_schema: Mapping[str, Any] | None = None,
        tools: Sequence[Mapping[str, Any]] = (),
    ) -> Generator[ChatChunk, None, None]:
        """The answer in chunks, `end` in the last one. Closing the generator early closes the connection.

        Args:
            json_schema: The answer fits it; empty: any JSON.
            tools: In the format of Ollama's API.

        Raises:
            ModelError: the server does not have the model.
            InvalidInput: the server refuses the request, for example because it is no chat model.
        """
        # False is accepted by every server; True is refused for models that cannot think.
        request: dict[str, Any] = {"think": False, "keep_alive": keep_alive_s, "options": dict(options)}
        if json_schema is not None:
            request["format"] = dict(json_schema) or "json"
        if tools:
            request["tools"] = list(tools)
        with map_errors(self._address, self._silence_s, model):
            stream: Any = self._client.chat(model, messages, stream=True, **request)
        for part in self._iterate(stream, model):
            with map_errors(self._address, self._silence_s, model):
                chunk = _chat_chunk(part)
            yield chunk
            if chunk.end is not None:
                return
        raise ProviderError(
            f"the Ollama server at {self._address.url} ended the answer early", remedy="see the server's log"
        )

    def pull(self, model: str) -> Generator[PullProgress, None, None]:
        """Let the server fetch a model, resuming an earlier pull. Closing the generator early ends the pull.

        Raises:
            ModelError: there is no such model, or the server cannot fetch it.
        """
        with map_errors(self._address, self._silence_s):
            stream: Any = self._client.pull(model, stream=True)
        done = False
        for part in self._iterate(stream, model):
            done = part.status == "success"
            yield PullProgress(
                status=part.status or "",
                layer=part.digest or "",
                done_bytes=max(0, part.completed or 0),
                total_bytes=max(0, part.total or 0),
            )
        if not done:
            raise ProviderError(
                f"the Ollama server ended the pull of {model!r} early", remedy="the same command resumes it"
            )

    def show(self, model: str) -> ollama.ShowResponse:
        """A model's details. Raises `ModelError` where the server has no such model."""
        with map_errors(self._address, self._silence_s, model):
            return self._client.show(model)

    def delete(self, model: str) -> None:
        """Remove a model from the server's disk. Raises `ModelError` where the server has no such model."""
        with map_errors(self._address, self._silence_s, model):
            self._client.delete(model)

    def _iterate(self, stream: Iterator[T], model: str | None) -> Generator[T, None, None]:
        """The parts of a streamed response, with mapped errors."""
        # `Any`: the client declares an iterator, and returns a generator.
        generator: Any = stream
        with closing(generator):
            while True:
                with map_errors(self._address, self._silence_s, model):
                    try:
                        part = next(stream)
                    except StopIteration:
                        return
                yield part


def _is_name(name: str | None) -> bool:
    return name is not None and 0 < len(name) <= MAX_MODEL_NAME and name.isprintable()


def _server_model(model: ollama.ListResponse.Model) -> ServerModel:
    details = model.details
    return ServerModel(
        name=model.model or "",
        digest=model.digest or "",
        family=(details and details.family) or "",
        parameters=(details and details.parameter_size) or "",
        quantization=(details and details.quantization_level) or "",
        size_bytes=int(model.size or 0),
        modified=model.modified_at.date().isoformat() if model.modified_at else "",
    )


def _chat_chunk(part: ollama.ChatResponse) -> ChatChunk:
    end = None
    if part.done:
        end = ChatEnd(part.done_reason or "", _count(part.prompt_eval_count), _count(part.eval_count))
    calls = tuple((call.function.name, call.function.arguments) for call in part.message.tool_calls or ())
    return ChatChunk(text=part.message.content or "", thought=bool(part.message.thinking), calls=calls, end=end)


def _count(tokens: int | None) -> int | None:
    """None where the server left the count out, as it does for a prompt that is entirely in its cache."""
    return tokens if tokens is not None and tokens >= 0 else None

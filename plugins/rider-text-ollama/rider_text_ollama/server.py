"""One Ollama server as the provider and the commands use it: the `ollama` client, guarded.

This is what is loaded only when somebody opens the provider or runs a command.
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
from rider_text_ollama.faults import faults_of
from rider_text_ollama.transport import GuardedTransport

T = TypeVar("T")

#: More than anybody has; a list that goes on for ever ends here.
MAX_MODELS = 1_000


@dataclass(frozen=True)
class ServerModel:
    """A model that the server has.

    Attributes:
        digest: Of its weights and everything that belongs to them; empty: it did not say.
        size_bytes: On its disk; 0: it did not say.
        modified: When it was fetched or made, as ISO 8601 date; empty: it did not say.
    """

    name: str
    digest: str = ""
    family: str = ""
    parameters: str = ""
    quantization: str = ""
    size_bytes: int = 0
    modified: str = ""

    @property
    def can_talk(self) -> bool:
        """Whether it is for conversations. Models that only turn text into vectors are told by what they are called."""
        return "bert" not in self.family and "embed" not in self.name


@dataclass(frozen=True)
class ChatPiece:
    """A piece of an answer.

    Attributes:
        text: To be said.
        calls: Tools that the model wants to use: name and arguments.
        thought: Whether the model thought meanwhile; what, nobody is told.
        end: The last piece, with what is known about the whole.
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
class PullStep:
    """How far a pull is.

    Attributes:
        status: What is done now, in the server's words.
        layer: The file that is fetched, by its digest; empty: none.
        done_bytes, total_bytes: Of that file.
    """

    status: str
    layer: str = ""
    done_bytes: int = 0
    total_bytes: int = 0


class OllamaServer:
    """A server. May be used from several threads; close it afterwards.

    Args:
        connect_timeout_s: How long a connection may take, in seconds.
        read_timeout_s: How long it may be silent, in seconds.
        total_s: Everything must be done within so many seconds from now. None: no such limit.

    Every method raises:
        ProviderUnavailable: nobody answers there, or not to us.
        ProviderError: it failed, fell silent, or said what no Ollama server says.
    """

    def __init__(
        self, address: Address, *, connect_timeout_s: float, read_timeout_s: float, total_s: float | None = None
    ) -> None:
        self._address = address
        self._silence_s = read_timeout_s
        # The client passes what it does not know on to httpx, which asks no proxy where it is given a transport.
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
        """What the server has, the newest first, as it lists them."""
        with faults_of(self._address, self._silence_s):
            listed = self._client.list().models
            return [_server_model(model) for model in listed[:MAX_MODELS] if _is_name(model.model)]

    def loaded(self) -> dict[str, int]:
        """The models in its memory, with how much of each is in a graphics card's, in percent."""
        with faults_of(self._address, self._silence_s):
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
    ) -> Generator[ChatPiece, None, None]:
        """The answer piece by piece; the last one has its end. Closing it early closes the connection.

        Args:
            json_schema: The answer keeps it; empty: any JSON.
            tools: As the server's interface has them.

        Raises:
            ModelError: the server does not have the model.
            InvalidInput: the server refuses the request: the model is not for conversations, for example.
        """
        # False is taken by every server: it refuses only the wish to think, from a model that cannot.
        request: dict[str, Any] = {"think": False, "keep_alive": keep_alive_s, "options": dict(options)}
        if json_schema is not None:
            request["format"] = dict(json_schema) or "json"
        if tools:
            request["tools"] = list(tools)
        with faults_of(self._address, self._silence_s, model):
            stream: Any = self._client.chat(model, messages, stream=True, **request)
        for part in self._each(stream, model):
            with faults_of(self._address, self._silence_s, model):
                piece = _chat_piece(part)
            yield piece
            if piece.end is not None:
                return
        raise ProviderError(
            f"the Ollama server at {self._address.url} broke off in mid-answer", remedy="see the server's log"
        )

    def pull(self, model: str) -> Generator[PullStep, None, None]:
        """Let the server fetch a model; it goes on where it was. Closing it early ends that.

        Raises:
            ModelError: there is no such model, or the server cannot fetch it.
        """
        with faults_of(self._address, self._silence_s):
            stream: Any = self._client.pull(model, stream=True)
        done = False
        for part in self._each(stream, model):
            done = part.status == "success"
            yield PullStep(
                status=part.status or "",
                layer=part.digest or "",
                done_bytes=max(0, part.completed or 0),
                total_bytes=max(0, part.total or 0),
            )
        if not done:
            raise ProviderError(
                f"the Ollama server broke off before it had {model!r}", remedy="the same command goes on from there"
            )

    def show(self, model: str) -> ollama.ShowResponse:
        """All that the server knows about a model. Raises `ModelError` where it has none of that name."""
        with faults_of(self._address, self._silence_s, model):
            return self._client.show(model)

    def delete(self, model: str) -> None:
        """Remove a model from the server's disk. Raises `ModelError` where it has none of that name."""
        with faults_of(self._address, self._silence_s, model):
            self._client.delete(model)

    def _each(self, stream: Iterator[T], model: str | None) -> Generator[T, None, None]:
        """The parts of a streamed answer, with the client's errors as ours."""
        # `Any`: the client declares an iterator, and returns a generator.
        generator: Any = stream
        with closing(generator):
            while True:
                with faults_of(self._address, self._silence_s, model):
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


def _chat_piece(part: ollama.ChatResponse) -> ChatPiece:
    end = None
    if part.done:
        end = ChatEnd(part.done_reason or "", _count(part.prompt_eval_count), _count(part.eval_count))
    calls = tuple((call.function.name, call.function.arguments) for call in part.message.tool_calls or ())
    return ChatPiece(text=part.message.content or "", thought=bool(part.message.thinking), calls=calls, end=end)


def _count(tokens: int | None) -> int | None:
    """A server that found the whole prompt in its memory leaves the count out."""
    return tokens if tokens is not None and tokens >= 0 else None

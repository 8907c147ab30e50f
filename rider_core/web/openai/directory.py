"""The models that a request may name, and the provider of each.

Providers are asked in this process without being opened. A provider that does not answer in time is listed as
unavailable.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from rider_core.api.health import HealthStatus
from rider_core.api.provider import Provider
from rider_core.api.speech_to_text import SpeechToText
from rider_core.api.tasks import TASKS, Task
from rider_core.api.text_generation import TextGenerator
from rider_core.api.text_to_speech import TextToSpeech
from rider_core.errors import ProviderUnavailable, RiderError
from rider_core.pluginhost import guarded
from rider_core.runtime.services import Services
from rider_core.web.openai.errors import ModelNotFound

log = logging.getLogger(__name__)

#: Model names that are hard-coded in many tools; here they mean the provider that the settings prefer.
ALIASES = {"whisper-1": SpeechToText, "tts-1": TextToSpeech}
#: In the order of the list: tools that choose a model by themselves take the first, and expect a chat model.
DOMAINS: tuple[type[Provider], ...] = (TextGenerator, SpeechToText, TextToSpeech)
#: Maximum age of a list, in seconds: of one that is shown, and of one in which a request finds its model.
FRESH_S = 5.0
RELIABLE_S = 60.0
#: A provider that has not answered by then is listed as unavailable until it has, in seconds.
PROBE_TIMEOUT_S = 1.5
MAX_REASON = 300
#: Maximum number of models of one provider.
MAX_MODELS = 200


@dataclass(frozen=True)
class ModelInfo:
    """A model that a request may name.

    Attributes:
        id: The name in requests.
        task: "text.generate", "voice.transcribe" or "voice.synthesize".
        owner: The provider's name.
        provider: The provider that the job names; None: none, so that a fallback is possible.
        model: One of the provider's models; None: its only or its default one.
        mock: The provider is a mock.
    """

    id: str
    task: str
    owner: str
    provider: str | None
    model: str | None
    mock: bool


@dataclass(frozen=True)
class UnavailableProvider:
    """A provider that is installed and not available now."""

    provider: str
    task: str
    reason: str
    remedy: str | None


@dataclass(frozen=True)
class ModelList:
    """All models at one time (`probed_at`, monotonic). No two models of a task have the same id.

    Attributes:
        revision: Of the choices and settings that the providers were asked with, see `ProviderChoices.revision`.
    """

    models: tuple[ModelInfo, ...]
    unavailable: tuple[UnavailableProvider, ...]
    probed_at: float
    revision: int


class ModelDirectory:
    """Lists models, and finds the one that a request names. All methods may be called from several threads."""

    def __init__(self, services: Services, fresh_s: float = FRESH_S) -> None:
        """
        Args:
            fresh_s: Maximum age of a list that is shown, in seconds.
        """
        self._services = services
        self._fresh_s = fresh_s
        self._lock = threading.Lock()
        self._list = ModelList((), (), float("-inf"), revision=0)
        self._probes: dict[str, _ProviderProbe] = {}

    def listing(self) -> ModelList:
        """All models. It takes `PROBE_TIMEOUT_S` at most."""
        return self._no_older_than(self._fresh_s)

    def find(self, task: str, name: str) -> ModelInfo:
        """The model for `task` by the name of a model, of a provider, or by `PROVIDER/MODEL`.

        Raises:
            ModelNotFound: there is none.
            ProviderUnavailable: its provider is not available now.
        """
        found = _found(self._no_older_than(RELIABLE_S), task, name)
        if found is not None:
            return found
        listing = self.listing()
        found = _found(listing, task, name)
        if found is not None:
            return found
        self._raise_if_unavailable(listing, task, name)
        known = [info.id for info in listing.models if info.task == task]
        raise ModelNotFound(
            f"there is no model {name[:80]!r} for {task}",
            remedy=f"use one of {', '.join(known[:12])}" if known else "no engine for this can work: `rider doctor`",
        )

    def _no_older_than(self, age_s: float) -> ModelList:
        """A list of at most this age, made after the last change of choices or settings."""
        with self._lock:
            revision = self._services.provider_choices.look()
            if time.monotonic() - self._list.probed_at > age_s or self._list.revision != revision:
                self._list = self._probe_all(revision)
            return self._list

    def _raise_if_unavailable(self, listing: ModelList, task: str, name: str) -> None:
        """Raise `ProviderUnavailable` if the provider that `name` means, also by an alias, is not available."""
        domain = ALIASES.get(name)
        meant_by_alias = domain is not None and domain is TASKS[task].provider
        if meant_by_alias:
            self._services.provider_names(TASKS[task].provider)  # raises where there is none
        for unavailable in listing.unavailable:
            if unavailable.task == task and (meant_by_alias or name.partition("/")[0] == unavailable.provider):
                raise ProviderUnavailable(
                    f"{unavailable.provider} cannot work now: {unavailable.reason}", remedy=unavailable.remedy
                )

    def _probe_all(self, revision: int) -> ModelList:
        end = time.monotonic() + PROBE_TIMEOUT_S
        tasks = [task for domain in DOMAINS for task in TASKS.values() if task.provider is domain]
        probes = [(task, cls, self._probe(task, cls, revision)) for task in tasks for cls in self._in_order(task)]
        models: dict[tuple[str, str], ModelInfo] = {}
        unavailable: list[UnavailableProvider] = []
        for task, cls, probe in probes:
            answer = probe.answer(end - time.monotonic())
            if isinstance(answer, UnavailableProvider):
                unavailable.append(answer)
                continue
            for info in _models_of(task, cls, answer):
                if (task.name, info.id) in models:
                    info = replace(info, id=f"{info.owner}/{info.model}")
                models.setdefault((task.name, info.id), info)
        for info in self._aliases(list(models.values())):
            models.setdefault((info.task, info.id), info)
        return ModelList(tuple(models.values()), tuple(unavailable), time.monotonic(), revision)

    def _in_order(self, task: Task) -> list[type[Provider]]:
        """The domain's providers: the preferred one, the other real ones, mocks."""
        by_name = {cls.name: cls for cls in self._services.plugins.registry.in_domain(task.provider)}
        try:
            chosen = self._services.provider_names(task.provider)
        except RiderError:  # no real one, or the settings name one that is not installed
            chosen = []
        return [by_name[name] for name in dict.fromkeys([*chosen, *by_name]) if name in by_name]

    def _probe(self, task: Task, cls: type[Provider], revision: int) -> _ProviderProbe:
        """The provider's running probe, or one of this revision whose answer was not read yet; else a new one.

        So a provider has one thread at most, and one that always answers after the timeout is listed the next time.
        """
        running = self._probes.get(cls.name)
        if running is None or running.was_read or (running.is_done and running.revision != revision):
            running = _ProviderProbe(cls.name, task.name, revision, partial(self._names, task, cls))
            self._probes[cls.name] = running
        return running

    def _names(self, task: Task, cls: type[Provider]) -> tuple[str, ...]:
        """The provider's models. Raises `ProviderUnavailable` and others."""
        provider = self._services.make_provider(task.provider, cls.name)
        health = guarded.health_of(provider)
        if health.status is HealthStatus.UNAVAILABLE:
            raise ProviderUnavailable(health.reason, remedy=health.remedy)
        if not isinstance(provider, TextGenerator):
            return ()
        return guarded.names_of(provider, "models()", provider.models)[:MAX_MODELS]

    def _aliases(self, models: list[ModelInfo]) -> Iterator[ModelInfo]:
        for alias, domain in ALIASES.items():
            try:
                names = self._services.provider_names(domain)
            except RiderError:
                continue
            able = [info for info in models if info.provider in names and info.id == info.provider]
            for info in able[:1]:
                yield ModelInfo(alias, info.task, info.owner, provider=None, model=None, mock=info.mock)


class _ProviderProbe:
    """Asks one provider for its models, in a thread of its own."""

    def __init__(self, provider: str, task: str, revision: int, list_models: Callable[[], tuple[str, ...]]) -> None:
        self._provider = provider
        self._task = task
        self.revision = revision
        self._list_models = list_models
        self._done = threading.Event()
        self._answer: tuple[str, ...] | UnavailableProvider | None = None
        #: The answer was read.
        self.was_read = False
        threading.Thread(target=self._run, name=f"ask-{provider}", daemon=True).start()

    @property
    def is_done(self) -> bool:
        return self._done.is_set()

    def answer(self, timeout_s: float) -> tuple[str, ...] | UnavailableProvider:
        """The names of the models, or why the provider is not available."""
        self._done.wait(max(0.0, timeout_s))
        if self._answer is None:
            return UnavailableProvider(
                self._provider, self._task, f"it has not answered within {PROBE_TIMEOUT_S:g} s", None
            )
        self.was_read = True
        return self._answer

    def _run(self) -> None:
        try:
            self._answer = self._list_models()
        except RiderError as error:
            self._answer = UnavailableProvider(self._provider, self._task, error.message[:MAX_REASON], error.remedy)
        except Exception as error:  # a plugin's code
            log.exception("%s could not be asked for its models", self._provider)
            self._answer = UnavailableProvider(
                self._provider, self._task, f"{type(error).__name__}: {error}"[:MAX_REASON], None
            )
        finally:
            self._done.set()


def _models_of(task: Task, cls: type[Provider], models: tuple[str, ...]) -> Iterator[ModelInfo]:
    if not models:
        yield ModelInfo(cls.name, task.name, cls.name, cls.name, None, cls.mock)
    for model in models:
        yield ModelInfo(model, task.name, cls.name, cls.name, model, cls.mock)


def _found(listing: ModelList, task: str, name: str) -> ModelInfo | None:
    models = [info for info in listing.models if info.task == task]
    for matches in (
        lambda info: info.id == name,
        lambda info: f"{info.owner}/{info.model}" == name,
        # Ollama's names have a tag, and its users omit the default one.
        lambda info: f"{name}:latest" in (info.id, info.model, f"{info.owner}/{info.model}"),
        # The provider's name alone means its first model, which is its default.
        lambda info: info.owner == name,
    ):
        for info in models:
            if matches(info):
                return info
    return None

"""Which models there are, by the names that clients use, and who does their work.

Engines are asked in this process, without being opened; one that does not answer in time is not waited for.
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
from rider_core.pluginhost import door
from rider_core.runtime.services import Services
from rider_core.web.openai.errors import ModelNotFound

log = logging.getLogger(__name__)

#: Names that many tools have written in; here they mean the engine that the settings prefer.
ALIASES = {"whisper-1": SpeechToText, "tts-1": TextToSpeech}
#: In the order in which they are listed: tools that choose by themselves take the first, and mean to chat.
DOMAINS: tuple[type[Provider], ...] = (TextGenerator, SpeechToText, TextToSpeech)
#: How old a list may be, in seconds: one that is shown, and one that a request finds its model in.
FRESH_S = 5.0
RELIABLE_S = 60.0
#: An engine that has not answered by then is shown as away, until it has.
PATIENCE_S = 1.5
MAX_REASON = 300
#: Models of one engine that are listed.
MAX_MODELS = 200


@dataclass(frozen=True)
class Offer:
    """A model that a request may name.

    Attributes:
        id: By which name.
        task: What it does: "text.generate", "voice.transcribe" or "voice.synthesize".
        owner: The engine's name.
        provider: Whom the job names; None: nobody, so that another engine may step in.
        model: Which of the engine's models; None: its only or its default one.
        mock: What it gives is made up.
    """

    id: str
    task: str
    owner: str
    provider: str | None
    model: str | None
    mock: bool


@dataclass(frozen=True)
class Absent:
    """An engine that is installed and cannot work now."""

    provider: str
    task: str
    reason: str
    remedy: str | None


@dataclass(frozen=True)
class Listing:
    """Everything, at one moment (`asked_at`, monotonic). No two offers of a task have the same id."""

    offers: tuple[Offer, ...]
    absent: tuple[Absent, ...]
    asked_at: float


class ModelDirectory:
    """All methods may be called from several threads."""

    def __init__(self, services: Services, fresh_s: float = FRESH_S) -> None:
        """
        Args:
            fresh_s: A list this old is still shown.
        """
        self._services = services
        self._fresh_s = fresh_s
        self._lock = threading.Lock()
        self._listing = Listing((), (), float("-inf"))
        self._inquiries: dict[str, _Inquiry] = {}

    def listing(self) -> Listing:
        """What there is. It takes `PATIENCE_S` at most."""
        return self._at_most(self._fresh_s)

    def find(self, task: str, name: str) -> Offer:
        """Who does `task` under the name of a model, an engine, or `ENGINE/MODEL`.

        Raises:
            ModelNotFound: nobody.
            ProviderUnavailable: somebody who cannot work now.
        """
        found = _found(self._at_most(RELIABLE_S), task, name)
        if found is not None:
            return found
        listing = self.listing()
        found = _found(listing, task, name)
        if found is not None:
            return found
        self._say_who_is_away(listing, task, name)
        known = [offer.id for offer in listing.offers if offer.task == task]
        raise ModelNotFound(
            f"there is no model {name[:80]!r} for {task}",
            remedy=f"use one of {', '.join(known[:12])}" if known else "no engine for this can work: `rider doctor`",
        )

    def _at_most(self, age_s: float) -> Listing:
        """A list that is not older."""
        with self._lock:
            if time.monotonic() - self._listing.asked_at > age_s:
                self._listing = self._ask()
            return self._listing

    def _say_who_is_away(self, listing: Listing, task: str, name: str) -> None:
        """Raise `ProviderUnavailable` where an engine that was asked for by its name, or by an alias, is away."""
        domain = ALIASES.get(name)
        meant_by_alias = domain is not None and domain is TASKS[task].provider
        if meant_by_alias:
            self._services.provider_names(TASKS[task].provider)  # raises where there is none
        for absent in listing.absent:
            if absent.task == task and (meant_by_alias or name.partition("/")[0] == absent.provider):
                raise ProviderUnavailable(f"{absent.provider} cannot work now: {absent.reason}", remedy=absent.remedy)

    def _ask(self) -> Listing:
        end = time.monotonic() + PATIENCE_S
        tasks = [task for domain in DOMAINS for task in TASKS.values() if task.provider is domain]
        asked = [(task, cls, self._inquiry(task, cls)) for task in tasks for cls in self._in_order(task)]
        offers: dict[tuple[str, str], Offer] = {}
        absent: list[Absent] = []
        for task, cls, inquiry in asked:
            found = inquiry.answer(end - time.monotonic())
            if isinstance(found, Absent):
                absent.append(found)
                continue
            for offer in _offers_of(task, cls, found):
                if (task.name, offer.id) in offers:
                    offer = replace(offer, id=f"{offer.owner}/{offer.model}")
                offers.setdefault((task.name, offer.id), offer)
        for offer in self._aliases(list(offers.values())):
            offers.setdefault((offer.task, offer.id), offer)
        return Listing(tuple(offers.values()), tuple(absent), time.monotonic())

    def _in_order(self, task: Task) -> list[type[Provider]]:
        """The domain's engines: the preferred one, the other real ones, mocks."""
        every = {cls.name: cls for cls in self._services.plugins.registry.in_domain(task.provider)}
        try:
            first = self._services.provider_names(task.provider)
        except RiderError:  # no real one, or the settings name one that is not installed
            first = []
        return [every[name] for name in dict.fromkeys([*first, *every]) if name in every]

    def _inquiry(self, task: Task, cls: type[Provider]) -> _Inquiry:
        """A new one, unless the last still waits, or was answered after everybody had gone: an engine has one thread at
        most, and one that always takes a little longer than our patience is not away for ever."""
        running = self._inquiries.get(cls.name)
        if running is None or running.is_told:
            running = _Inquiry(cls.name, task.name, partial(self._names, task, cls))
            self._inquiries[cls.name] = running
        return running

    def _names(self, task: Task, cls: type[Provider]) -> tuple[str, ...]:
        """The engine's models. Raises `ProviderUnavailable` and others."""
        provider = self._services.make_provider(task.provider, cls.name)
        health = door.health_of(provider)
        if health.status is HealthStatus.UNAVAILABLE:
            raise ProviderUnavailable(health.reason, remedy=health.remedy)
        if not isinstance(provider, TextGenerator):
            return ()
        return door.names_of(provider, "models()", provider.models)[:MAX_MODELS]

    def _aliases(self, offers: list[Offer]) -> Iterator[Offer]:
        for alias, domain in ALIASES.items():
            try:
                names = self._services.provider_names(domain)
            except RiderError:
                continue
            able = [offer for offer in offers if offer.provider in names and offer.id == offer.provider]
            for offer in able[:1]:
                yield Offer(alias, offer.task, offer.owner, provider=None, model=None, mock=offer.mock)


class _Inquiry:
    """One engine, asked in a thread of its own."""

    def __init__(self, provider: str, task: str, ask: Callable[[], tuple[str, ...]]) -> None:
        self._provider = provider
        self._task = task
        self._ask = ask
        self._done = threading.Event()
        self._answer: tuple[str, ...] | Absent | None = None
        self._told = False
        threading.Thread(target=self._run, name=f"ask-{provider}", daemon=True).start()

    @property
    def is_told(self) -> bool:
        """Whether somebody has had the answer."""
        return self._told

    def answer(self, timeout_s: float) -> tuple[str, ...] | Absent:
        """The models' names, or why there are none."""
        self._done.wait(max(0.0, timeout_s))
        if self._answer is None:
            return Absent(self._provider, self._task, f"it has not answered within {PATIENCE_S:g} s", None)
        self._told = True
        return self._answer

    def _run(self) -> None:
        try:
            self._answer = self._ask()
        except RiderError as error:
            self._answer = Absent(self._provider, self._task, error.message[:MAX_REASON], error.remedy)
        except Exception as error:  # a plugin's code: the edge of the house
            log.exception("%s could not be asked for its models", self._provider)
            self._answer = Absent(self._provider, self._task, f"{type(error).__name__}: {error}"[:MAX_REASON], None)
        finally:
            self._done.set()


def _offers_of(task: Task, cls: type[Provider], models: tuple[str, ...]) -> Iterator[Offer]:
    if not models:
        yield Offer(cls.name, task.name, cls.name, cls.name, None, cls.mock)
    for model in models:
        yield Offer(model, task.name, cls.name, cls.name, model, cls.mock)


def _found(listing: Listing, task: str, name: str) -> Offer | None:
    offers = [offer for offer in listing.offers if offer.task == task]
    for matches in (
        lambda offer: offer.id == name,
        lambda offer: f"{offer.owner}/{offer.model}" == name,
        # Ollama's names have a tag, and its users leave the usual one away.
        lambda offer: f"{name}:latest" in (offer.id, offer.model, f"{offer.owner}/{offer.model}"),
        # Only the engine is named: its first model is its default.
        lambda offer: offer.owner == name,
    ):
        for offer in offers:
            if matches(offer):
                return offer
    return None

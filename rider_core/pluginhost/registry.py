"""The providers, models, transports and checks that plugins registered. They are validated, and names are unique."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

from rider_core.api.health import Health
from rider_core.api.job_transport import JobTransport
from rider_core.api.models import ModelEntry
from rider_core.api.object_detection import ObjectDetector
from rider_core.api.object_tracking import ObjectTracker
from rider_core.api.panel import PanelCard, PanelPage
from rider_core.api.provider import Provider, ProviderConfig
from rider_core.api.speech_to_text import SpeechToText
from rider_core.api.text_generation import TextGenerator
from rider_core.api.text_to_speech import TextToSpeech
from rider_core.errors import ConfigError, PluginError, ProviderUnavailable

#: Pages, and cards, of one plugin: the menu and the dashboard are everybody's.
MAX_PAGES = 4
#: Characters of a blueprint's name that are shown.
MAX_NAME = 64
NAME_PATTERN = re.compile(r"^[a-z][a-z0-9-]{0,63}$")
DOMAIN_CLASSES: tuple[type[Provider], ...] = (SpeechToText, TextToSpeech, ObjectDetector, TextGenerator)


class PluginRegistry:
    """Everything that plugins registered."""

    def __init__(self) -> None:
        self.providers: dict[str, type[Provider]] = {}
        self.models: dict[str, ModelEntry] = {}
        self.trackers: dict[str, Callable[[], ObjectTracker]] = {}
        self.job_transports: dict[str, Callable[[], JobTransport]] = {}
        self.health_checks: dict[str, Callable[[], Health]] = {}
        #: Path to page and card of the panel.
        self.pages: dict[str, PanelPage] = {}
        self.cards: dict[str, PanelCard] = {}
        self.routes: list[Any] = []
        self._route_owners: list[str] = []
        self._tables: dict[str, dict[str, Any]] = {
            "provider": self.providers,
            "model": self.models,
            "tracker": self.trackers,
            "job transport": self.job_transports,
            "health check": self.health_checks,
            "page": self.pages,
            "card": self.cards,
        }
        self._owners: dict[tuple[str, str], str] = {}
        self._by_domain: dict[type[Provider], list[type[Provider]]] = {}

    def add_provider(self, plugin: str, provider: type[Provider]) -> None:
        """Register a provider.

        Raises:
            PluginError: the provider is not usable; the message has the reason.
        """
        _check_provider(provider)
        self._add(plugin, "provider", provider.name, provider)

    def add_model(self, plugin: str, entry: ModelEntry) -> None:
        self._add(plugin, "model", entry.name, entry)

    def add_tracker(self, plugin: str, name: str, factory: Callable[[], ObjectTracker]) -> None:
        self._add(plugin, "tracker", name, factory)

    def add_job_transport(self, plugin: str, name: str, factory: Callable[[], JobTransport]) -> None:
        self._add(plugin, "job transport", name, factory)

    def add_health_check(self, plugin: str, name: str, check: Callable[[], Health]) -> None:
        self._add(plugin, "health check", name, check)

    def add_page(self, plugin: str, page: PanelPage | PanelCard) -> None:
        """Register a page or a card of the panel. Raises `PluginError`."""
        if not isinstance(page, PanelPage | PanelCard):
            raise PluginError(f"{page!r} is no page", remedy="register a PanelPage or a PanelCard (rider_core.api)")
        kind = "page" if isinstance(page, PanelPage) else "card"
        if sum(key[0] == kind and owner == plugin for key, owner in self._owners.items()) >= MAX_PAGES:
            raise PluginError(f"it has more than {MAX_PAGES} {kind}s", remedy="link to the others from its own page")
        self._add(plugin, kind, page.path, page)

    def drop_page(self, kind: str, path: str) -> str:
        """Remove a page or a card that cannot be shown. Returns its plugin."""
        del self._tables[kind][path]
        return self._owners.pop((kind, path))

    def add_routes(self, plugin: str, blueprint: Any) -> None:
        """Register a Flask blueprint. The panel checks it when it adds it to its application."""
        self.routes.append(blueprint)
        self._route_owners.append(plugin)

    def remove_all_of(self, plugin: str) -> None:
        """Remove everything that a plugin registered before it failed."""
        kept = [number for number, owner in enumerate(self._route_owners) if owner != plugin]
        self.routes[:] = [self.routes[number] for number in kept]
        self._route_owners[:] = [self._route_owners[number] for number in kept]
        for kind, name in [key for key, owner in self._owners.items() if owner == plugin]:
            self._by_domain.clear()
            del self._tables[kind][name]
            del self._owners[kind, name]

    def names_of(self, plugin: str) -> list[str]:
        """Names of the providers that a plugin registered."""
        return sorted(name for (kind, name), owner in self._owners.items() if kind == "provider" and owner == plugin)

    def owner_of_model(self, name: str) -> str:
        """Name of the plugin that registered a model, which must be there."""
        return self._owners["model", name]

    def registered_by(self, plugin: str) -> list[tuple[str, str]]:
        """What a plugin registered, as pairs of kind ("provider", "model", "route", ...) and name, sorted."""
        found = [key for key, owner in self._owners.items() if owner == plugin]
        owned = [it for it, owner in zip(self.routes, self._route_owners, strict=True) if owner == plugin]
        found += [("route", _blueprint_name(blueprint)) for blueprint in owned]
        return sorted(found)

    def in_domain(self, domain: type[Provider]) -> list[type[Provider]]:
        """The domain's providers, real ones first, otherwise by name."""
        if domain not in self._by_domain:
            found = [provider for provider in self.providers.values() if issubclass(provider, domain)]
            self._by_domain[domain] = sorted(found, key=lambda provider: (provider.mock, provider.name))
        return self._by_domain[domain]

    def domain_of(self, name: str) -> type[Provider]:
        """The domain class of the provider of that name, which must be there."""
        return next(domain for domain in DOMAIN_CLASSES if issubclass(self.providers[name], domain))

    def choose(self, domain: type[Provider], wanted: str | None) -> type[Provider]:
        """The provider called `wanted`; if None, the domain's first real one. A mock must be named.

        Raises:
            ConfigError: the domain has no provider of that name.
            ProviderUnavailable: `wanted` is None, and there is no real provider.
        """
        found = self.in_domain(domain)
        for provider in found:
            if provider.name == wanted or (wanted is None and not provider.mock):
                return provider
        names = ", ".join(provider.name for provider in found) or "none is installed"
        if wanted is not None:
            raise ConfigError(f"there is no {domain.domain} provider {wanted!r}", remedy=f"choose from: {names}")
        raise ProviderUnavailable(
            f"no {domain.domain} engine is installed",
            remedy=f"pip install one, or name one in the setting providers.{domain.domain} (there is: {names})",
        )

    def _add(self, plugin: str, kind: str, name: str, value: Any) -> None:
        if name in self._tables[kind]:
            owner = self._owners[kind, name]
            raise PluginError(f"{kind} {name!r} is already registered by plugin {owner!r}", remedy="rename one of them")
        self._by_domain.clear()
        self._tables[kind][name] = value
        self._owners[kind, name] = plugin


def _blueprint_name(blueprint: Any) -> str:
    """A plugin may register anything: nothing of it is called."""
    name = getattr(blueprint, "name", None)
    return name[:MAX_NAME] if isinstance(name, str) else type(blueprint).__name__


def _check_provider(provider: type[Provider]) -> None:
    if not inspect.isclass(provider) or not issubclass(provider, DOMAIN_CLASSES):
        domains = ", ".join(cls.__name__ for cls in DOMAIN_CLASSES)
        raise PluginError(f"{provider!r} is not a provider class", remedy=f"subclass one of {domains}")
    name = getattr(provider, "name", None)
    if not isinstance(name, str) or not NAME_PATTERN.match(name):
        raise PluginError(
            f"provider {provider.__name__} has the name {name!r}", remedy="use lower case, digits and dashes"
        )
    if inspect.isabstract(provider):
        missing = ", ".join(sorted(provider.__abstractmethods__))
        raise PluginError(f"provider {name!r} is abstract", remedy=f"implement {missing}")
    if not issubclass(provider.Config, ProviderConfig):
        raise PluginError(f"the Config of provider {name!r} is not a ProviderConfig", remedy="subclass ProviderConfig")
    for field, info in provider.Config.model_fields.items():
        if not info.description:
            raise PluginError(
                f"setting {field!r} of provider {name!r} has no description", remedy="add Field(description=...)"
            )

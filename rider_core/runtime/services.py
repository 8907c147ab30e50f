"""The shared parts of a process (settings, plugins, Redis, event bus, job backend), opened once and passed on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from redis import Redis, RedisError

from rider_core import database
from rider_core.api.messages import shorten
from rider_core.api.object_tracking import ObjectTracker
from rider_core.api.provider import Provider, ProviderContext, no_hurry
from rider_core.catalogue import ModelCatalogue
from rider_core.config import Settings, config_file, did_you_mean, line_of
from rider_core.database.saved import saved_settings
from rider_core.errors import ConfigError, DatabaseError, ProviderUnavailable
from rider_core.eventbus import EventBus
from rider_core.jobs import DEFAULT_TIMINGS, JobTimings, RedisJobBackend
from rider_core.pluginhost import PluginHost, guarded
from rider_core.printable import HIDDEN, is_secret
from rider_core.redis_errors import unavailable
from rider_core.runtime.data_folder import check_data_folder
from rider_core.runtime.job_backend import open_backend
from rider_core.runtime.plugins import load_plugins
from rider_core.runtime.prompts import PromptStore
from rider_core.runtime.provider_choices import ProviderChoices
from rider_core.runtime.redis_connection import connect

if TYPE_CHECKING:
    from rider_core.database import Database

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Services:
    """The shared parts of a process. Plugins get them in `on_startup`."""

    settings: Settings
    plugins: PluginHost
    catalogue: ModelCatalogue
    redis: Redis
    bus: EventBus
    backend: RedisJobBackend

    @classmethod
    def open(
        cls,
        settings: Settings,
        role: str,
        connection: Redis | None = None,
        timings: JobTimings = DEFAULT_TIMINGS,
    ) -> Services:
        """Load the plugins and prepare the connections. No connection is made yet.

        Args:
            role: The process's name in events: "link", "worker-1", "panel", "cli".
            connection: To Redis. None: to the Redis of the settings.

        Raises:
            PluginError: a required plugin is not usable.
            ConfigError: the settings name a job backend that does not exist, or the data folder is not safe to use.
        """
        check_data_folder(settings.data_dir)
        plugins = load_plugins(settings)
        connection = connection or connect(settings.redis_location)
        return cls(
            settings=settings,
            plugins=plugins,
            catalogue=ModelCatalogue(plugins.registry.models, settings.models_dir, settings.model_path),
            redis=connection,
            bus=EventBus(connection, role),
            backend=open_backend(settings, connection, plugins, timings),
        )

    @cached_property
    def database(self) -> Database:
        """The database. SQLAlchemy is loaded at the first use."""
        return database.Database(self.settings.database_location)

    @cached_property
    def provider_choices(self) -> ProviderChoices:
        """What people have chosen of the providers."""
        return ProviderChoices(self.settings.database_location, self.redis)

    @cached_property
    def prompts(self) -> PromptStore:
        """The system prompts by name."""
        return PromptStore(self.settings.database_location, self.settings.language)

    def close(self) -> None:
        self.backend.close()
        self.redis.close()
        if "database" in self.__dict__:
            self.database.close()

    def redis_info(self, section: str | None = None) -> dict[str, Any]:
        """The server's INFO, or one section of it. Raises `BackendUnavailable`."""
        try:
            info: Any = self.redis.info(section)
        except RedisError as error:
            raise unavailable(error) from error
        return dict(info)

    def redis_write_problem(self, info: Mapping[str, Any]) -> str:
        """Why the server of that INFO refuses writes; empty: it accepts them."""
        where = self.settings.data_dir / "redis" if self.settings.redis_url is None else "its disk"
        if info.get("aof_enabled") and info.get("aof_last_write_status") == "err":
            return f"its log in {where} cannot be written"
        if info.get("rdb_last_bgsave_status") == "err":
            return f"its last snapshot in {where} could not be written"
        return ""

    def make_provider(
        self, domain: type[Provider], wanted: str | None = None, time_left_s: Callable[[], float] = no_hurry
    ) -> Provider:
        """The domain's provider, with its settings, not yet opened.

        Args:
            wanted: A name; None: the first of `provider_names`.
            time_left_s: For its context.

        Raises:
            ConfigError, ProviderUnavailable: there is none, or its settings are wrong.
            ProviderBroken: its constructor raised.
        """
        provider = self._provider_class(self.provider_names(domain, wanted)[0])
        context = ProviderContext(self.catalogue.verified_path, self.settings.threads, time_left_s)
        return guarded.make(provider, self._saved_config(provider), context)

    def required_models(self, name: str) -> tuple[str, ...]:
        """Names of the models that a provider needs with its settings, also if it is switched off.

        Raises:
            ConfigError: there is no such provider, or its settings are wrong.
            ProviderBroken: its plugin raised.
        """
        provider = self._provider_class(name)
        context = ProviderContext(self.catalogue.verified_path, self.settings.threads)
        return guarded.required_models_of(guarded.make(provider, self._saved_config(provider), context))

    def announce_models(self) -> None:
        """Tell running workers that a model was fetched or removed: they try again what had none."""
        self.provider_choices.change(lambda: None)

    def make_tracker(self) -> ObjectTracker:
        """A tracker for the objects in the frames of one stream.

        Raises:
            ConfigError: the settings name one that does not exist.
            ProviderUnavailable: there is none, or it cannot be loaded.
        """
        trackers = self.plugins.registry.trackers
        wanted = self.settings.tracker or min(trackers, default=None)
        if wanted is None:
            raise ProviderUnavailable("no object tracker is installed", remedy="pip install rider-vision-tracking")
        if wanted not in trackers:
            raise ConfigError(f"there is no tracker {wanted!r}", remedy=f"choose from: {', '.join(sorted(trackers))}")
        return trackers[wanted]()

    def provider_names(self, domain: type[Provider], wanted: str | None = None) -> list[str]:
        """The providers in the order of the fallback.

        First those that people have given a place, then the one in the settings, then the other real ones by name. A
        provider that is `wanted` by name is the only one; a mock is neither a fallback nor has one.

        Raises:
            ConfigError: there is none of that name.
            ProviderUnavailable: there is none, or it is switched off.
        """
        if wanted is not None:
            name = self.plugins.registry.choose(domain, wanted).name
            if not self.provider_choices.of(name).enabled:
                raise _switched_off(name)
            return [name]
        ordered = self.provider_order(domain)
        names = [name for name in ordered if self.provider_choices.of(name).enabled]
        if not names:
            raise _switched_off(", ".join(ordered))
        if self.plugins.registry.providers[names[0]].mock:
            return names[:1]
        return [name for name in names if not self.plugins.registry.providers[name].mock]

    def provider_order(self, domain: type[Provider]) -> list[str]:
        """All that may come into question unnamed, those that are switched off included. Raises as `provider_names`."""
        registry = self.plugins.registry
        places = {it.name: self.provider_choices.of(it.name).place for it in registry.in_domain(domain)}
        placed = {name: place for name, place in places.items() if place is not None}
        first = sorted(placed, key=lambda name: (placed[name], name))
        preferred = self._preferred(domain)
        if not first:
            first = [registry.choose(domain, preferred).name]
        elif preferred in places:
            first.append(preferred)
        return list(dict.fromkeys([*first, *(it.name for it in registry.in_domain(domain) if not it.mock)]))

    def enable_provider(self, name: str, enabled: bool) -> None:
        """Switch a provider on or off. Running workers heed it. Raises `DatabaseError`."""
        self.provider_choices.change(lambda: self.database.enable_provider(name, enabled))

    def put_provider_first(self, name: str) -> None:
        """Let a provider come before the others of its domain. Raises as `enable_provider`."""
        try:
            order = self.provider_order(self.plugins.registry.domain_of(name))
        except ProviderUnavailable:  # there are only mocks, of which none was named
            order = []
        names = list(dict.fromkeys([name, *order]))
        self.provider_choices.change(lambda: self.database.place_providers(names))

    def provider_config(self, name: str) -> Any:
        """The settings of the provider called `name`.

        Raises:
            ConfigError: there is no such provider, or its settings are wrong.
        """
        return self._saved_config(self._provider_class(name))

    def saved_provider_settings(self, name: str) -> dict[str, Any]:
        """What is saved for that provider in the database. Raises `DatabaseError`."""
        return saved_settings(self.settings.database_location).get(name, {})

    def save_provider_settings(self, name: str, changes: Mapping[str, Any]) -> None:
        """Save settings of a provider, over those saved before. Running workers use them after their present job.

        Raises:
            ConfigError: there is no such provider, or its settings would be wrong. Nothing is saved.
            DatabaseError: the database cannot be used.
        """
        self.replace_provider_settings(name, {**self.saved_provider_settings(name), **changes})

    def replace_provider_settings(self, name: str, settings: dict[str, Any]) -> None:
        """Save exactly these settings; those saved before are dropped. Raises what `save_provider_settings` does."""
        self._config(self._provider_class(name), settings)
        self.provider_choices.change(lambda: self.database.save_settings(name, settings))

    def reset_provider_settings(self, name: str) -> None:
        """Forget what was saved for a provider. Raises `DatabaseError`."""
        self.provider_choices.change(lambda: self.database.save_settings(name, {}))

    def _provider_class(self, name: str) -> type[Provider]:
        providers = self.plugins.registry.providers
        if name not in providers:
            raise ConfigError(f"there is no provider {name!r}", remedy=f"choose from: {', '.join(sorted(providers))}")
        return providers[name]

    def _preferred(self, domain: type[Provider]) -> str | None:
        preferred: dict[str, str] = dict(self.settings.providers)  # type: ignore[arg-type]
        return preferred.get(domain.domain)

    def _saved_config(self, provider: type[Provider]) -> Any:
        try:
            saved = self.saved_provider_settings(provider.name)
        except DatabaseError as error:
            # An engine with the file's settings is better than none; the log says that the saved ones are missing.
            log.warning("the saved settings of %s cannot be read: %s", provider.name, error)
            saved = {}
        return self._config(provider, saved)

    def _config(self, provider: type[Provider], saved: Mapping[str, Any]) -> Any:
        """The provider's settings: those of the file, and over them `saved`. Raises `ConfigError`."""
        values = {**self.settings.provider_settings.get(provider.name, {}), **saved}
        try:
            return provider.Config.model_validate(values)
        except ValidationError as error:
            problem = error.errors(include_url=False)[0]
            where = ".".join(map(str, problem["loc"]))
            if problem["type"] == "extra_forbidden":
                wrong = f"there is no {where}{did_you_mean(where, provider.Config.model_fields)}"
            else:
                got = HIDDEN if is_secret(where) else shorten(problem["input"])
                wrong = f"{where}: {problem['msg'][:1].lower()}{problem['msg'][1:]}, got {got}"
            raise ConfigError(
                f"the settings of provider {provider.name!r} are wrong: {wrong}",
                remedy=_settings_remedy(provider.name, where.partition(".")[0], saved),
            ) from None


def _switched_off(names: str) -> ProviderUnavailable:
    return ProviderUnavailable(f"switched off: {names}", remedy="rider providers enable NAME, or the page Providers")


def _settings_remedy(provider: str, field: str, saved: Mapping[str, Any]) -> str:
    """Where a wrong setting of a provider is corrected."""
    if field in saved:
        return f"rider config set {provider} {field}=VALUE, or forget what was saved: rider config reset {provider}"
    table, file = f"provider_settings.{provider}", config_file()
    line = line_of(file, field, table)
    return f"correct [{table}] in {file}" + (f", line {line}" if line else "")

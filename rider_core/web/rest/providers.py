"""Providers: what is installed for each domain, which of them is used, and their settings."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, StrictBool

from rider_core.api.messages import Message
from rider_core.api.provider import Provider
from rider_core.api.roles import Role
from rider_core.config.shown import has_mask, shown_settings
from rider_core.errors import InvalidInput, NotFound, RiderError
from rider_core.printable import HIDDEN
from rider_core.runtime.services import Services
from rider_core.web.access import audit
from rider_core.web.rest.blueprint import Answer, RestBlueprint
from rider_core.web.rest.parameters import IfUnchanged, check_etag, etag_of

MAX_NAME = 64


class ProviderPath(Message):
    provider: str = Field(max_length=MAX_NAME, description="the provider's name")


class ProviderView(Message):
    """A provider that is installed."""

    name: str
    domain: str
    mock: bool = Field(description="it is a mock: its results are made up")
    plugin: str = Field(description="the plugin that it comes from; empty: unknown")
    place: int | None = Field(
        description="its place in its domain's order: 1 is used first, the others where it fails; None: only by name"
    )
    enabled: bool = Field(description="False: it is switched off, and used for nothing")
    problem: str = Field(description="why its settings are not usable; empty: they are")


class ProviderBody(Message):
    """What is to be changed."""

    enabled: StrictBool | None = None
    first: Literal[True] | None = Field(None, description="use it first of its domain; a mock then is used alone")


class ProvidersView(Message):
    providers: tuple[ProviderView, ...]


class SettingsView(Message):
    """The settings of a provider. Secrets are shown as `***`."""

    provider: str
    values: dict[str, Any] = Field(description="in effect; empty where they are not usable")
    saved: dict[str, Any] = Field(description="of these, what was saved here, and not in the settings file")
    problem: str = Field(description="why they are not usable; empty: they are")
    json_schema: dict[str, Any] = Field(description="JSON Schema of `values`, with descriptions and units")


class SettingsBody(Message):
    """Settings to save."""

    values: dict[str, Any] = Field(description="by the names of the schema")


def providers_blueprint(services: Services) -> RestBlueprint:
    """The routes."""
    providers = RestBlueprint("providers", "Engines for voice, vision and text")

    @providers.operation("GET", "", Role.READ, ProvidersView)
    def list_providers() -> ProvidersView:
        """Every provider that is installed"""
        classes = services.plugins.registry.providers
        return ProvidersView(providers=tuple(_view(services, classes[name]) for name in sorted(classes)))

    @providers.operation("GET", "/<provider>", Role.READ, ProviderView, problems=(404,))
    def show_provider(path: ProviderPath) -> ProviderView:
        """One provider"""
        return _view(services, _class_of(services, path.provider))

    @providers.operation("PATCH", "/<provider>", Role.OPERATE, ProviderView, problems=(404,))
    def choose_provider(path: ProviderPath, body: ProviderBody) -> ProviderView:
        """Switch a provider on or off, or use it first

        Running workers act on it after their present job, and no job is lost.
        """
        provider = _class_of(services, path.provider)
        before = _view(services, provider)
        audit.changes({"enabled": before.enabled, "place": before.place})
        if body.first:
            services.put_provider_first(provider.name)
        if body.enabled is not None:
            services.enable_provider(provider.name, body.enabled)
        return _view(services, provider)

    @providers.operation("GET", "/<provider>/settings", Role.READ, SettingsView, problems=(404,))
    def show_settings(path: ProviderPath) -> Answer:
        """A provider's settings, with their schema; the ETag is for `If-Match`"""
        return _settings(services, path.provider)

    @providers.operation("PATCH", "/<provider>/settings", Role.ADMIN, SettingsView, problems=(404, 412))
    def save_settings(path: ProviderPath, body: SettingsBody, header: IfUnchanged) -> Answer:
        """Save some of a provider's settings

        Running workers use them after their present job. What is sent as it is shown stays what it was, secrets too.
        """
        provider = _class_of(services, path.provider)
        saved = services.saved_provider_settings(path.provider)
        check_etag(header, etag_of(saved))
        shown = {**_effective(services, provider)[0], **shown_settings(saved, provider.Config)}
        changes = {name: value for name, value in body.values.items() if name not in shown or value != shown[name]}
        _refuse_masks(changes)
        audit.changes(shown_settings(saved, provider.Config), shown_settings(changes, provider.Config))
        services.save_provider_settings(path.provider, changes)
        return _settings(services, path.provider)

    @providers.operation("PUT", "/<provider>/settings", Role.ADMIN, SettingsView, problems=(404, 412))
    def replace_settings(path: ProviderPath, body: SettingsBody, header: IfUnchanged) -> Answer:
        """Replace a provider's saved settings

        A secret that is sent as it is shown stays what it was.
        """
        provider = _class_of(services, path.provider)
        saved = services.saved_provider_settings(path.provider)
        check_etag(header, etag_of(saved))
        shown = shown_settings(saved, provider.Config)
        settings = {name: saved[name] if value == shown.get(name) else value for name, value in body.values.items()}
        _refuse_masks({name: value for name, value in settings.items() if value != saved.get(name)})
        audit.changes(shown, shown_settings(settings, provider.Config))
        services.replace_provider_settings(path.provider, settings)
        return _settings(services, path.provider)

    @providers.operation("DELETE", "/<provider>/settings", Role.ADMIN, SettingsView, problems=(404, 412))
    def reset_settings(path: ProviderPath, header: IfUnchanged) -> Answer:
        """Forget what was saved: the settings file and the defaults count again"""
        provider = _class_of(services, path.provider)
        saved = services.saved_provider_settings(path.provider)
        check_etag(header, etag_of(saved))
        audit.changes(shown_settings(saved, provider.Config))
        services.reset_provider_settings(path.provider)
        return _settings(services, path.provider)

    return providers


def _class_of(services: Services, name: str) -> type[Provider]:
    classes = services.plugins.registry.providers
    if name not in classes:
        raise NotFound(f"there is no provider {name!r}", remedy=f"use one of {', '.join(sorted(classes))}")
    return classes[name]


def _view(services: Services, provider: type[Provider]) -> ProviderView:
    try:
        order = services.provider_names(services.plugins.registry.domain_of(provider.name))
    except RiderError:
        order = []
    problem = ""
    try:
        services.provider_config(provider.name)
    except RiderError as error:
        problem = str(error)
    plugin = next((it.name for it in services.plugins.records() if provider.name in it.providers), "")
    return ProviderView(
        name=provider.name,
        domain=provider.domain,
        mock=provider.mock,
        plugin=plugin,
        place=order.index(provider.name) + 1 if provider.name in order else None,
        enabled=services.provider_choices.of(provider.name).enabled,
        problem=problem,
    )


def _refuse_masks(settings: dict[str, Any]) -> None:
    masked = next((name for name, value in settings.items() if has_mask(value)), None)
    if masked is not None:
        raise InvalidInput(
            f"{masked} has {HIDDEN}, which is shown for a secret",
            remedy="send the secret itself, or leave the field out",
        )


def _settings(services: Services, name: str) -> Answer:
    provider = _class_of(services, name)
    saved = services.saved_provider_settings(name)
    values, problem = _effective(services, provider)
    view = SettingsView(
        provider=name,
        values=values,
        saved=shown_settings(saved, provider.Config),
        problem=problem,
        json_schema=provider.Config.model_json_schema(),
    )
    return Answer(view, headers={"ETag": etag_of(saved)})


def _effective(services: Services, provider: type[Provider]) -> tuple[dict[str, Any], str]:
    """The settings in effect, as they are shown, and why they are not usable."""
    try:
        values = services.provider_config(provider.name).model_dump(mode="json")
    except RiderError as error:
        return {}, str(error)
    return shown_settings(values, provider.Config), ""

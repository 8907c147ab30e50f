"""Plugins: what is installed, what each registers, and why some of it does not work; installing and removing one."""

from __future__ import annotations

from flask import request
from pydantic import Field, SecretStr

from rider_core.api.messages import Message
from rider_core.api.roles import Role
from rider_core.config import variable_of
from rider_core.errors import InvalidInput
from rider_core.runtime.passwords import MAX_LENGTH
from rider_core.runtime.plugin_change_record import ENDED, Action, PluginChange, PluginChangeRecord
from rider_core.runtime.plugin_changes import changes_from
from rider_core.runtime.plugin_installer import start_change
from rider_core.runtime.plugin_packages import installed_packages, normalized
from rider_core.runtime.services import Services
from rider_core.web.access import audit
from rider_core.web.access.access_control import AccessControl
from rider_core.web.access.identity import identity_of
from rider_core.web.plugins import PluginContents, describe_plugins
from rider_core.web.rest.blueprint import RestBlueprint
from rider_core.web.rest.confirmation import confirm
from rider_core.web.serving.native_threads import in_native_thread

MAX_NAME = 100
#: Characters of a traceback: its end has the reason.
MAX_TRACEBACK = 8_000
_SETTING = variable_of("plugins_installable")


class NotInstallable(InvalidInput):
    """The settings do not allow to install or remove this package here."""

    code = "not_installable"


class ProvidedEngine(Message):
    name: str
    domain: str
    mock: bool = Field(description="it is a mock: its results are made up")


class Registered(Message):
    kind: str = Field(
        description="provider, model, tracker, job transport, health check, route, page, card, command, or hook "
        "(on_event: it receives events)"
    )
    name: str


class PluginView(Message):
    """A plugin that is installed."""

    name: str
    package: str = Field(description="the Python distribution that it comes from")
    version: str
    state: str = Field(description="loaded, disabled, incompatible or failed")
    reason: str = Field(description="why it is not loaded")
    traceback: str = Field(description="of the error, where there was one")
    providers: tuple[ProvidedEngine, ...]
    registers: tuple[Registered, ...] = Field(description="everything that it brings, providers included")


class Difference(Message):
    """A plugin that the panel has loaded otherwise than it is installed now."""

    plugin: str
    kind: str = Field(description="added, removed or updated")


class InstallablePackage(Message):
    name: str
    version: str | None = Field(description="that is installed; null: it is not")


class PluginsView(Message):
    plugins: tuple[PluginView, ...]
    safe_mode: bool = Field(description="no plugin is loaded (`rider up --safe-mode`)")
    changed: tuple[Difference, ...] = Field(description="since the panel's start: a restart loads them")
    setting: str = Field(description="the setting that allows to install and remove packages here")
    installable: tuple[InstallablePackage, ...] = Field(description="that it allows; empty: none")


class ChangeBody(Message):
    """A package to install or remove."""

    action: Action
    package: str = Field(min_length=1, max_length=MAX_NAME, description="one of `installable`")
    password: SecretStr | None = Field(None, max_length=MAX_LENGTH, description="of who asks, where people sign in")
    confirmation: str | None = Field(
        None, max_length=MAX_NAME, description="where nobody signs in: the package's name once more"
    )


class ChangeView(Message):
    """The latest change, by the panel or by `rider plugins`."""

    change: PluginChange | None = Field(description="null: there was none")
    running: bool
    interrupted: bool = Field(description="its process ended before the change did")
    lines: tuple[str, ...] = Field(description="the last ones of the installer")


def plugins_blueprint(services: Services, access: AccessControl) -> RestBlueprint:
    """The routes."""
    plugins = RestBlueprint("plugins", "Packages that bring engines, pages and commands")
    contents = PluginContents(services.plugins)
    record = PluginChangeRecord(services.settings)

    @plugins.operation("GET", "", Role.READ, PluginsView)
    def list_plugins() -> PluginsView:
        """Every plugin, those that failed included"""
        return _list(services, contents)

    @plugins.operation("GET", "/change", Role.READ, ChangeView)
    def show_change() -> ChangeView:
        """The latest change of the installed packages, and how far it is"""
        return _view(record)

    @plugins.operation("POST", "/change", Role.ADMIN, ChangeView, status=202, problems=(404, 409))
    def change_plugins(body: ChangeBody) -> ChangeView:
        """Install or remove a package

        It is checked in a fresh process; what does not work is undone. Running processes keep what they have loaded.
        """
        allowed = {normalized(name): name for name in services.settings.plugins_installable}
        package = allowed.get(normalized(body.package))
        if package is None:
            raise NotInstallable(
                f"{body.package!r} may not be installed or removed here",
                remedy=f"{_SETTING} allows: {', '.join(allowed.values()) or 'nothing; name packages there'}",
            )
        confirm(access, body.password, body.confirmation, body.package)
        audit.changes(None, {"action": body.action, "package": package})
        start_change(services.settings, body.action, package, identity_of(request.environ).name)
        return _view(record)

    return plugins


def _list(services: Services, contents: PluginContents) -> PluginsView:
    records = {it.name: it for it in services.plugins.records()}
    loaded = {name: f"{it.package} {it.version}" for name, it in records.items()}
    # Both read the metadata of all packages.
    changed = in_native_thread(changes_from, loaded)
    installed = in_native_thread(installed_packages) if services.settings.plugins_installable else {}
    views = [
        {
            **described,
            "traceback": records[described["name"]].traceback[-MAX_TRACEBACK:],
            "registers": [{"kind": kind, "name": name} for kind, name in contents.of(described["name"])],
        }
        for described in describe_plugins(services)
    ]
    return PluginsView.model_validate(
        {
            "plugins": views,
            "safe_mode": services.plugins.safe_mode,
            "changed": [difference._asdict() for difference in changed],
            "setting": _SETTING,
            "installable": [
                {"name": name, "version": installed.get(normalized(name))}
                for name in services.settings.plugins_installable
            ],
        }
    )


def _view(record: PluginChangeRecord) -> ChangeView:
    running = record.is_running()  # before it is read: a change that ends meanwhile has not been interrupted
    change = record.read()
    interrupted = change is not None and not running and change.phase not in ENDED
    return ChangeView(change=change, running=running, interrupted=interrupted, lines=tuple(record.lines()))
